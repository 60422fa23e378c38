"""What the evaluator costs, against the published grid and against sorting; prints the tables of docs/metric.md §11.

python -m bench.bench_speed [--models 512] [--examples 1000] [--slow-examples 5] [--repeats 5]

CPU seconds of one process on identical inputs, median of the repeats; numbers of N(0.5, 1) against N(0, 1). Compiling
is left out and printed first. Exits with an error if neurips2023 differs from the published grid.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.bench_evaluator import print_row
from bench.published_grid import compare_example, count_example
from evaluator import Attack, EpsilonOptions, ScoringProtocol
from evaluator.arrays import check_pools
from evaluator.epsilon import estimate_epsilons
from evaluator.held_out import draw_pool_folds
from evaluator.likelihood_ratio import choose_ratio_regions
from evaluator.ranking import rank_models
from evaluator.regions import choose_cut_regions
from evaluator.spec import DEFAULT_ATTACKS
from evaluator.warm_up import warm_up

Pools = tuple[NDArray[np.float64], NDArray[np.float64]]
Work = Callable[[], object]

WITH_DENSITY = (*DEFAULT_ATTACKS, Attack.kernel_density)
FLOOR, PUBLISHED = "`numpy.sort` of both pools", "published grid, compared"


def draw(models: int, examples: int, seed: int = 0) -> Pools:
    unlearned, retrained = np.random.default_rng(seed).normal(size=(2, models, examples))
    return unlearned + 0.5, retrained


def estimate(
    pools: Pools,
    protocol: ScoringProtocol,
    *,
    lower: bool = True,
    split_seeds: int = 4,
    attacks: tuple[Attack, ...] = DEFAULT_ATTACKS,
) -> Work:
    options = EpsilonOptions(split_seeds=split_seeds, attacks=attacks)
    return lambda: estimate_epsilons(*pools, protocol=protocol, options=options, lower=lower)


def sort(pools: Pools) -> Work:
    rows = [np.ascontiguousarray(pool.T) for pool in pools]
    return lambda: [np.sort(values, axis=1) for values in rows]


def each_example(rule: Callable[..., object], pools: Pools, examples: int) -> Work:
    return lambda: [rule(pools[0][:, j], pools[1][:, j]) for j in range(examples)]


def measure(works: dict[str, Work], repeats: int) -> dict[str, float]:
    """Median CPU seconds of each; all are measured in turn, so that a machine that slows down slows all of them.

    Short work is repeated within a measurement, so that the clock's grain does not show.
    """
    calls = {}
    for name, work in works.items():
        seconds = [measure_once(work, 1) for _ in range(2)]
        calls[name] = max(1, int(0.2 / max(seconds[1], 1e-5)))
    rounds = [{name: measure_once(work, calls[name]) for name, work in works.items()} for _ in range(repeats)]
    return {name: statistics.median(seconds[name] for seconds in rounds) for name in works}


def measure_once(work: Work, calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - start) / calls


def compare(args: argparse.Namespace) -> None:
    """Every way to the same pools; the slow ones on few examples, scaled up."""
    pools = draw(args.models, args.examples)
    few = args.slow_examples
    scale = args.examples / few
    held_out, neurips2023, exact = ScoringProtocol
    works = {
        FLOOR: sort(pools),
        "`exact`": estimate(pools, exact, lower=False),
        "`exact`, with lower bounds": estimate(pools, exact),
        "`held_out`, 1 split": estimate(pools, held_out, lower=False, split_seeds=1),
        "`held_out`, 4 splits, with lower bounds (default)": estimate(pools, held_out),
        "`held_out`, 1 split, `kernel_density` too": estimate(
            pools, held_out, lower=False, split_seeds=1, attacks=WITH_DENSITY
        ),
        "`neurips2023`": estimate(pools, neurips2023, lower=False),
        "`neurips2023`, with lower bounds": estimate(pools, neurips2023),
    }
    slow = {"2023 rule, plain numpy counts": count_example, PUBLISHED: compare_example}
    seconds = measure(works, args.repeats)
    for name, rule in slow.items():
        seconds[f"{name} ({few} examples, scaled)"] = scale * measure_once(each_example(rule, pools, few), 1)
    check_equal(pools, few)
    floor, published = seconds[FLOOR], list(seconds.values())[-1]
    print(f"\n{args.models} + {args.models} models, {args.examples} examples:\n")
    print_row(["", "CPU seconds", "× sort", "published grid takes × as long"], head=True)
    for name, value in seconds.items():
        print_row([name, f"{value:.4f}", f"{value / floor:.2f}", f"{published / value:,.0f}"])


def show_stages(pools: Pools, repeats: int) -> None:
    """Where one split of held_out spends its time."""
    options = EpsilonOptions(split_seeds=1)
    checked = check_pools(*pools)
    folds, ranked = draw_pool_folds(*checked, options), rank_models(*checked)
    works: dict[str, Work] = {
        FLOOR: sort(pools),
        "checks and folds": lambda: draw_pool_folds(*check_pools(*pools), options),
        "both pools ranked together, with the models' identity": lambda: rank_models(*checked),
        "half-lines, intervals, complements": lambda: choose_cut_regions(ranked, folds, options.alpha),
        "likelihood ratio": lambda: choose_ratio_regions(ranked, folds, options.alpha),
    }
    seconds = measure(works, repeats)
    print()
    print_row(["stage", "× sort"], head=True)
    for name in list(works)[1:]:
        print_row([name, f"{seconds[name] / seconds[FLOOR]:.2f}"])


def check_equal(pools: Pools, examples: int) -> None:
    """neurips2023 against the published grid in float32 rates, and bit for bit against plain counts."""
    found = estimate_epsilons(*pools, protocol=ScoringProtocol.neurips2023, options=EpsilonOptions()).estimate
    columns = [(pools[0][:, j], pools[1][:, j]) for j in range(examples)]
    np.testing.assert_allclose(found[:examples], [compare_example(*pair).epsilon for pair in columns], atol=1e-5)
    np.testing.assert_array_equal(found[:examples], [count_example(*pair).epsilon for pair in columns])


def show_growth(title: str, cases: dict[str, Pools], repeats: int) -> None:
    held_out, neurips2023, exact = ScoringProtocol
    print()
    print_row([title, "sort", "exact", "held_out, 1 split", "neurips2023"], head=True)
    for name, pools in cases.items():
        works = {
            FLOOR: sort(pools),
            "exact": estimate(pools, exact, lower=False),
            "held_out": estimate(pools, held_out, lower=False, split_seeds=1),
            "neurips2023": estimate(pools, neurips2023, lower=False),
        }
        print_row([name, *(f"{1000 * seconds:.1f}" for seconds in measure(works, repeats).values())])


def stretch(pools: Pools, factor: float) -> Pools:
    return pools[0] * factor, pools[1] * factor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", type=int, default=512)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--slow-examples", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    np.ones(4_000_000).sum()  # glibc keeps freed memory from here on; before, every large array is new pages
    print(f"compiling, or loading what is cached: {measure_once(warm_up, 1):.1f} CPU seconds")
    compare(args)
    show_stages(draw(args.models, args.examples), args.repeats)
    models, examples, repeats = args.models, args.examples, args.repeats
    base = draw(models, examples)
    widest = 200 / max(np.ptp(np.concatenate(base)), 1e-9)
    base_case = f"{models} + {models} models, {examples} examples, N(0.5, 1) against N(0, 1)"
    print(f"\nGrowth of the estimates in CPU milliseconds, one thing varied at a time from {base_case}")
    show_growth("models", {f"{n}": draw(n, examples) for n in (64, 128, 256, 512, 1024)}, repeats)
    show_growth("examples", {f"{n}": draw(models, n) for n in (100, 250, 500, 1000, 2000)}, repeats)
    factors = {"as drawn": 1.0, "10 times": 10.0, "range 200": widest, "1/10": 0.1}
    show_growth("range of values", {name: stretch(base, by) for name, by in factors.items()}, repeats)


if __name__ == "__main__":
    main()
