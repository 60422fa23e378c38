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
from evaluator import EpsilonOptions, ScoringProtocol
from evaluator.epsilon import estimate_epsilons
from evaluator.warm_up import warm_up

Pools = tuple[NDArray[np.float64], NDArray[np.float64]]
Work = Callable[[], object]

FLOOR, PUBLISHED = "numpy.sort of both pools", "published grid, compared"


def draw(models: int, examples: int, seed: int = 0) -> Pools:
    unlearned, retrained = np.random.default_rng(seed).normal(size=(2, models, examples))
    return unlearned + 0.5, retrained


def estimate(pools: Pools, protocol: ScoringProtocol, *, lower: bool = True, split_seeds: int = 4) -> Work:
    options = EpsilonOptions(split_seeds=split_seeds)
    return lambda: estimate_epsilons(*pools, protocol=protocol, options=options, lower=lower)


def sort(pools: Pools) -> Work:
    rows = [np.ascontiguousarray(pool.T) for pool in pools]
    return lambda: [np.sort(values, axis=1) for values in rows]


def each_example(rule: Callable[..., object], pools: Pools, examples: int) -> Work:
    return lambda: [rule(pools[0][:, j], pools[1][:, j]) for j in range(examples)]


def measure(work: Work, repeats: int) -> float:
    """Median CPU seconds; short work is repeated within a measurement, so that the clock's grain does not show."""
    seconds = [measure_once(work, 1) for _ in range(2)]
    calls = max(1, int(0.05 / max(seconds[1], 1e-5)))
    return statistics.median(measure_once(work, calls) for _ in range(repeats))


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
    seconds = {
        FLOOR: measure(sort(pools), args.repeats),
        "exact": measure(estimate(pools, exact, lower=False), args.repeats),
        "exact, with lower bounds": measure(estimate(pools, exact), args.repeats),
        "held_out, 1 split": measure(estimate(pools, held_out, lower=False, split_seeds=1), args.repeats),
        "held_out, 4 splits, with lower bounds (default)": measure(estimate(pools, held_out), args.repeats),
        "neurips2023": measure(estimate(pools, neurips2023, lower=False), args.repeats),
        "neurips2023, with lower bounds": measure(estimate(pools, neurips2023), args.repeats),
        f"2023 rule, plain numpy counts ({few} examples, scaled)": scale
        * measure_once(each_example(count_example, pools, few), 1),
        f"{PUBLISHED} ({few} examples, scaled)": scale * measure_once(each_example(compare_example, pools, few), 1),
    }
    check_equal(pools, few)
    floor, published = seconds[FLOOR], list(seconds.values())[-1]
    print(f"\n{args.models} + {args.models} models, {args.examples} examples:\n")
    print_row(["", "CPU seconds", "× sort", "published grid takes × as long"], head=True)
    for name, value in seconds.items():
        print_row([name, f"{value:.4f}", f"{value / floor:.2f}", f"{published / value:,.0f}"])


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
        works = [sort(pools), estimate(pools, exact, lower=False)]
        works.append(estimate(pools, held_out, lower=False, split_seeds=1))
        works.append(estimate(pools, neurips2023, lower=False))
        print_row([name, *(f"{1000 * measure(work, repeats):.1f}" for work in works)])


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
