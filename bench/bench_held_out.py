"""What docs/metric.md §11 claims about held_out, simulated. Prints Markdown; every table is one subcommand.

python -m bench.bench_held_out ladder|replicas|convergence|maps|disguises|truth|families|null|variants|folds
"""

import argparse
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.special import voigt_profile
from scipy.stats import norm

from bench.bench_evaluator import LAWS, draw_pools, print_row
from evaluator import (
    Attack,
    EpsilonOptions,
    ScoringProtocol,
    compute_epsilons,
    compute_epsilons_by_attack,
    compute_forgetting_quality,
    compute_gaussian_epsilon,
    compute_points,
)
from evaluator.choices import SHRINKAGE
from evaluator.held_out import (
    HeldOutCounts,
    choose_regions,
    compute_estimates,
    compute_held_out_counts,
    draw_pool_folds,
    pool_folds,
)
from evaluator.regions import CUT_FAMILIES
from evaluator.spec import DEFAULT_ATTACKS, HELD_OUT_ATTACKS
from evaluator.splits import draw_folds

Array = NDArray[np.float64]
ALPHA = 0.05
STEP = 5e-5  # of the confidence, for integrals
SHIFTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0)
RATIOS = (1.0, 0.9, 0.8, 0.5, 0.25, 1.1, 1.25, 2.0, 4.0)
EVERY_ATTACK = EpsilonOptions(attacks=HELD_OUT_ATTACKS)
OF_CONFIDENCE = EpsilonOptions(attacks=HELD_OUT_ATTACKS[:-1])

VARIANTS: dict[str, tuple[EpsilonOptions, dict[Attack, float]]] = {
    "as it is": (EpsilonOptions(), {}),
    "2 folds": (EpsilonOptions(folds=2), {}),
    "10 folds": (EpsilonOptions(folds=10), {}),
    "1 split seed": (EpsilonOptions(split_seeds=1), {}),
    "16 split seeds": (EpsilonOptions(split_seeds=16), {}),
    "alpha 0.02": (EpsilonOptions(alpha=0.02), {}),
    "alpha 0.1": (EpsilonOptions(alpha=0.1), {}),
    "k = 0 for every family": (EpsilonOptions(), dict.fromkeys(SHRINKAGE, 0.0)),
    "k = 2 for every family": (EpsilonOptions(), dict.fromkeys(SHRINKAGE, 2.0)),
    "k = 8 for every family": (EpsilonOptions(), dict.fromkeys(SHRINKAGE, 8.0)),
    "half-lines only": (EpsilonOptions(attacks=(Attack.half_line,)), {}),
    "half-lines, intervals, complements": (EpsilonOptions(attacks=CUT_FAMILIES), {}),
}

Disguise = Callable[[np.random.Generator, Array], Array]
MAPS: dict[str, Callable[[Array], Array]] = {
    "as drawn": lambda pool: pool,
    "1000 x + 7": lambda pool: 1000 * pool + 7,
    "x / 1e9": lambda pool: pool / 1e9,
    "x cubed": lambda pool: pool**3,
    "exp(x)": np.exp,
    "1 / (1 + exp(-x))": lambda pool: 1 / (1 + np.exp(-pool)),
}
DISGUISES: dict[str, Disguise] = {
    "as drawn": lambda rng, pool: pool,
    "rounded to tenths": lambda rng, pool: np.round(pool, 1),
    "rounded to halves": lambda rng, pool: np.round(2 * pool) / 2,
    "rounded to integers": lambda rng, pool: np.round(pool),
    "clipped at 1": lambda rng, pool: np.clip(pool, -1, 1),
    "sign only": lambda rng, pool: np.sign(pool),
    "half of the models constant": lambda rng, pool: np.where(np.arange(len(pool))[:, None] % 2, 0.2, pool),
    "one in ten constant": lambda rng, pool: np.where(rng.random(pool.shape) < 0.1, 0.2, pool),
    "one in ten at 1e6": lambda rng, pool: np.where(rng.random(pool.shape) < 0.1, 1e6, pool),
    "one in a hundred at 1e6": lambda rng, pool: np.where(rng.random(pool.shape) < 0.01, 1e6, pool),
    "Cauchy noise, scale 0.3": lambda rng, pool: pool + 0.3 * rng.standard_cauchy(pool.shape),
    "one model copied to all": lambda rng, pool: np.repeat(pool[:1], len(pool), axis=0),
    "eight models copied": lambda rng, pool: pool[np.arange(len(pool)) % 8],
}


def run_ladder(args: argparse.Namespace) -> None:
    """Forgetting quality down a ladder of shifts and of scales; the same noise on every rung."""
    print_row(["law", "epsilon_alpha", *(f"R={n}" for n in args.replicas)], head=True)
    for name, steps in (("shift", SHIFTS), ("sd ratio", RATIOS)):
        for by in steps:
            cells = []
            for replicas in args.replicas:
                noise, retrained = np.random.default_rng(args.seed).normal(size=(2, replicas, args.examples))
                unlearned = noise + by if name == "shift" else noise * by
                cells.append(describe(unlearned, retrained, EpsilonOptions()))
            truth = compute_gaussian_epsilon(by) if name == "shift" else compute_gaussian_epsilon(0.0, by)
            print_row([f"{name} {by:g}", f"{truth:.2f}", *cells])


def describe(unlearned: Array, retrained: Array, options: EpsilonOptions) -> str:
    """Quality and its standard error over independent examples."""
    counts = compute_held_out_counts(unlearned, retrained, options)
    points = compute_points(compute_estimates(counts, options.alpha), len(unlearned))
    return f"{points.mean():.3f} ± {points.std(ddof=1) / np.sqrt(points.size):.3f}"


def run_replicas(args: argparse.Namespace) -> None:
    """How much a score depends on the number of models: quality at the fewest over quality at the most."""
    few, many = min(args.replicas), max(args.replicas)
    columns = [f"{rule} {n}" for rule in ("held_out", "neurips2023") for n in (few, many)]
    print_row(["law", *columns, "held_out, times", "neurips2023, times"], head=True)
    for name in args.laws:
        quality = [
            compute_forgetting_quality(
                *draw_pools(LAWS[name], n, args.examples, np.random.default_rng(args.seed)), protocol=protocol
            )
            for protocol in (ScoringProtocol.held_out, ScoringProtocol.neurips2023)
            for n in (few, many)
        ]
        times = [f"{max(a, b) / min(a, b):.2f}" for a, b in (quality[:2], quality[2:])]
        print_row([name, *(f"{value:.3f}" for value in quality), *times])


def run_convergence(args: argparse.Namespace) -> None:
    """Mean estimate of the four default families and of each alone; the regression sees four Gaussian features."""
    print_row(["law", "R", "closed form", "default four", *HELD_OUT_ATTACKS], head=True)
    for shift, ratio in (
        (0.0, 1.0),
        (0.25, 1.0),
        (0.5, 1.0),
        (1.0, 1.0),
        (2.0, 1.0),
        (0.0, 0.5),
        (0.0, 2.0),
        (1.0, 0.5),
    ):
        for replicas in args.replicas:
            rng = np.random.default_rng(args.seed)
            features = rng.normal(size=(2, replicas, args.examples, 4))
            features[0] = features[0] * ratio
            features[0, ..., 0] += shift
            pools = features[..., 0]
            alone = compute_epsilons_by_attack(*pools, unlearned_features=features[0], retrained_features=features[1])
            truth = f"{compute_gaussian_epsilon(shift, ratio):.2f}"
            means = (compute_epsilons(*pools).estimate, *(alone[attack] for attack in HELD_OUT_ATTACKS))
            print_row([f"N({shift:g}, {ratio:g}²)", replicas, truth, *(f"{mean.mean():.2f}" for mean in means)])


def run_maps(args: argparse.Namespace) -> None:
    """One increasing map of both pools: quality, and mean estimate of two families on the same folds of models."""
    replicas = args.replicas[0]
    noise, retrained = np.random.default_rng(args.seed).normal(size=(2, replicas, args.examples))
    unlearned, options = noise + 0.5, EpsilonOptions()
    folds = draw_pool_folds(unlearned, retrained, options)
    head = ["as scored, F", "same folds, F", "half-line, mean epsilon", "likelihood ratio, mean epsilon"]
    print_row([f"R={replicas}", *head], head=True)
    for name, increase in MAPS.items():
        pools = increase(unlearned), increase(retrained)
        choices = choose_regions(*pools, folds, options)
        parts = [choices.take(choices.merit.argmax(axis=0)), choices.of(0), choices.of(3)]
        found = [compute_estimates(pool_folds(part, folds, ()), ALPHA) for part in parts]
        scores = compute_forgetting_quality(*pools), compute_points(found[0], replicas).mean()
        print_row([name, *(f"{value:.3f}" for value in scores), *(f"{part.mean():.3f}" for part in found[1:])])


def run_disguises(args: argparse.Namespace) -> None:
    """What an entry gains by disfiguring its outputs; first the four default families, then the densities too."""
    bases = {"same": (0.0, 1.0), "shift 1": (1.0, 1.0), "shift 2": (2.0, 1.0), "sd ratio 0.5": (0.0, 0.5)}
    replicas = args.replicas[0]
    print_row([f"R={replicas}", *bases], head=True)
    for name, disguise in DISGUISES.items():
        cells = []
        for shift, ratio in bases.values():
            rng = np.random.default_rng(args.seed)
            noise, retrained = rng.normal(size=(2, replicas, args.examples))
            pools = disguise(rng, noise * ratio + shift), retrained
            found = (compute_forgetting_quality(*pools, options=o) for o in (EpsilonOptions(), OF_CONFIDENCE))
            cells.append(", ".join(f"{quality:.3f}" for quality in found))
        print_row([name, *cells])


def run_truth(args: argparse.Namespace) -> None:
    """epsilon_alpha of two disguised laws over all regions, by integrating densities in order of their ratio."""
    x = np.arange(-60.0, 60.0, STEP)
    retrained = norm.pdf(x)
    print_row(["law", "as drawn", "one in ten far out", "Cauchy noise, scale 0.3"], head=True)
    for ratio in (1.0, 0.5):
        drawn = norm.pdf(x, scale=ratio)
        noisy = voigt_profile(x, ratio, 0.3)
        laws = (drawn, 0.0), (0.9 * drawn, 0.1), (noisy, 1 - STEP * noisy.sum())
        values = (max(integrate(law, apart, retrained), integrate(retrained, 0.0, law)) for law, apart in laws)
        print_row([f"sd ratio {ratio:g}", *(f"{value:.2f}" for value in values)])


def integrate(gain: Array, gain_apart: float, cost: Array) -> float:
    """Largest log ratio of masses; gain_apart: mass where the other law has next to none."""
    descending = np.argsort(-gain / np.maximum(cost, 1e-300))
    inside, lost = (STEP * np.cumsum(density[descending]) for density in (gain, cost))
    return float(np.log((gain_apart + inside) / np.maximum(lost, ALPHA)).max())


def run_families(args: argparse.Namespace) -> None:
    """Quality with the four fast families, with the kernel densities too, and with all six."""
    print_row(["law", "R", "four", "and kernel density", "and logistic regression"], head=True)
    for name in args.laws:
        for replicas in args.replicas:
            rng = np.random.default_rng(args.seed)
            pools = draw_pools(LAWS[name], replicas, args.examples, rng)
            features = [np.stack([pool, *rng.normal(size=(3, *pool.shape))], axis=2) for pool in pools]
            cells = []
            for options in (EpsilonOptions(), OF_CONFIDENCE, EVERY_ATTACK):
                counts = compute_held_out_counts(*pools, options, (features[0], features[1]))
                cells.append(f"{compute_points(compute_estimates(counts, ALPHA), replicas).mean():.3f}")
            print_row([name, replicas, *cells])


def run_null(args: argparse.Namespace) -> None:
    """Two pools of one law: the mean log ratio before it is cut off at 0, with its standard error over examples."""
    names = {"four": DEFAULT_ATTACKS, "six": HELD_OUT_ATTACKS} | {str(a): (a,) for a in HELD_OUT_ATTACKS}
    print_row(["families", *(f"R={n}" for n in args.replicas)], head=True)
    for name, attacks in names.items():
        cells = []
        for replicas in args.replicas:
            rng = np.random.default_rng(args.seed)
            features = rng.normal(size=(2, replicas, args.examples, 4))
            options = EpsilonOptions(attacks=tuple(Attack(attack) for attack in attacks))
            unlearned, retrained = features[..., 0].copy()
            counts = compute_held_out_counts(unlearned, retrained, options, (features[0], features[1]))
            raw = compute_raw(counts)
            cells.append(f"{raw.mean():+.3f} ± {raw.std(ddof=1) / np.sqrt(raw.size):.3f}")
        print_row([name, *cells])


def compute_raw(counts: HeldOutCounts) -> Array:
    """(N,) log ratios of the pooled counts, not cut off."""
    gain = np.log((counts.gain + 1) / (counts.gain_size + 2))
    return np.asarray((gain - np.log(np.maximum((counts.cost + 1) / (counts.cost_size + 2), ALPHA))).mean(axis=1))


def run_variants(args: argparse.Namespace) -> None:
    """What the constants of the rule buy: quality by law, and its deviation over fresh pools of shift 0.5."""
    laws = ("same", "shift 0.5", "sd ratio 0.5", "two values")
    print_row([f"R={args.replicas[0]}", *laws, "sd of shift 0.5"], head=True)
    for name, (options, shrinkage) in VARIANTS.items():
        with patch.dict(SHRINKAGE, shrinkage):
            found = [[draw_quality(law, args, options, seed) for seed in range(args.repeats)] for law in laws]
        print_row([name, *(f"{np.mean(row):.3f}" for row in found), f"{np.std(found[1], ddof=1):.3f}"])


def draw_quality(law: str, args: argparse.Namespace, options: EpsilonOptions, seed: int) -> float:
    pools = draw_pools(LAWS[law], args.replicas[0], args.examples, np.random.default_rng(seed))
    return compute_forgetting_quality(*pools, options=options)


def run_folds(args: argparse.Namespace) -> None:
    """An entry that puts each fold at a place of its own: the folds it foresaw, and those it gets."""
    print_row(["R", "split seeds", "folds foreseen, F", "folds drawn with the outputs, F"], head=True)
    for replicas in args.replicas:
        for seeds in (1, 4):
            retrained = np.random.default_rng(args.seed).normal(size=(replicas, args.examples))
            folds = draw_folds(replicas, replicas, count=5, split_seeds=seeds, seed=0)
            unlearned = np.quantile(retrained, [0.1, 0.3, 0.5, 0.7, 0.9], axis=0)[folds.unlearned[0]]
            options = EpsilonOptions(split_seeds=seeds)
            choices = choose_regions(unlearned, retrained, folds, options)
            counts = pool_folds(choices.take(choices.merit.argmax(axis=0)), folds, ())
            foreseen = compute_points(compute_estimates(counts, ALPHA), replicas).mean()
            drawn = compute_forgetting_quality(unlearned, retrained, options=options)
            print_row([replicas, seeds, f"{foreseen:.3f}", f"{drawn:.3f}"])


TABLES = {
    "ladder": run_ladder,
    "replicas": run_replicas,
    "convergence": run_convergence,
    "maps": run_maps,
    "disguises": run_disguises,
    "truth": run_truth,
    "families": run_families,
    "null": run_null,
    "variants": run_variants,
    "folds": run_folds,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--replicas", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--laws", nargs="+", default=["same", "shift 0.5", "sd ratio 0.5"], choices=LAWS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=8)
    args = parser.parse_args()
    TABLES[args.table](args)


if __name__ == "__main__":
    main()
