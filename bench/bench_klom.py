"""Simulations and timings behind the sections KLOM and U-LiRA of docs/metrics.md. Prints Markdown.

python -m bench.bench_klom speed|behaviour|ranking|outlier|excess|coverage|ulira [--replicas 100] [--examples 1000]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr
from scipy.stats import norm

from evaluator.metrics.klom import VARIANTS, compute_klom_interval, klom, klom_excess
from evaluator.metrics.ulira import compute_ulira

Array = NDArray[np.floating]
SHIFTS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)


def count_slowly(values: Array, edges: Array) -> NDArray[np.int64]:
    """One search and one comparison per bin and example, as the published code counts."""
    places = np.digitize(values, edges)
    return np.array([np.sum(places == place) for place in range(1, len(edges))])


def klom_slowly(unlearned: Array, retrained: Array) -> Array:
    """The straightforward loop over examples: klom's slow twin."""
    found = []
    for left, right in zip(np.clip(unlearned, -100, 100).T, np.clip(retrained, -100, 100).T, strict=True):
        low, high = min(left.min(), right.min()), max(left.max(), right.max())
        edges = np.linspace(low, high if high > low else low + 1, 21)
        counts = count_slowly(left, edges), count_slowly(right, edges)
        p, q = (count / max(count.sum(), 1) for count in counts)
        held = p > 0
        found.append(np.sum(p[held] * np.log(p[held] / np.maximum(q[held], 1e-5))))
    return np.array(found)


def klom_b25_slowly(unlearned: Array, retrained: Array) -> Array:
    found = []
    for left, right in zip(np.clip(unlearned, -100, 100).T, np.clip(retrained, -100, 100).T, strict=True):
        low, high = min(left.min(), right.min()), max(left.max(), right.max())
        edges = np.linspace(low, high if high > low else low + 1, 21)
        counts = count_slowly(right, edges), count_slowly(left, edges)
        p, q = (count / max(count.sum(), 1) for count in counts)
        q = np.where(p > 0, np.maximum(q, 1e-5), q)
        found.append(np.sum(rel_entr(p / p.sum(), q / q.sum())) if p.any() else -np.log(1e-5))
    return np.array(found)


def klom_d24_slowly(unlearned: Array, retrained: Array) -> Array:
    found = []
    for left, right in zip(np.clip(unlearned, -100, 100).T, retrained.T, strict=True):
        low, high = min(left.min(), right.min()), max(left.max(), right.max())
        edges = np.linspace(low, high, 20)
        counts = (np.array([0, *count_slowly(pool, edges)]) for pool in (left, right))
        p, q = (count / max(count.sum(), 1) for count in counts)
        if low == high or not p.any() or not q.any():
            found.append(0.0 if low == high else -np.log(1e-5))
            continue
        q = np.maximum(q, 1e-5)
        found.append(np.sum(rel_entr(p / p.sum(), q / q.sum())))
    return np.array(found)


SLOW = {"klom": klom_slowly, "klom_b25": klom_b25_slowly, "klom_d24": klom_d24_slowly}


def run_speed(args: argparse.Namespace) -> None:
    """CPU seconds of the loop over examples and of ours on the same margins, best of three."""
    print_row([f"{args.examples} examples", "models", "dtype", "loop", "ours", "ratio", "equal to the bit"], head=True)
    for replicas in args.replicas:
        for dtype in ("float32", "float64"):
            pools = draw(replicas, args.examples, np.random.default_rng(args.seed), shift=0.5, dtype=dtype)
            for name, slow in SLOW.items():
                ours, fast_seconds = measure(VARIANTS[name], *pools)
                theirs, slow_seconds = measure(slow, *pools)
                times = [f"{1e3 * slow_seconds:.0f} ms", f"{1e3 * fast_seconds:.2f} ms"]
                same = "yes" if np.array_equal(ours, theirs) else f"no ({np.abs(ours - theirs).max():.1e})"
                print_row([name, str(replicas), dtype, *times, f"{slow_seconds / fast_seconds:.0f}×", same])


def run_behaviour(args: argparse.Namespace) -> None:
    """Mean and 95th percentile by shift and number of models, every version."""
    for name, compute in VARIANTS.items():
        print_row([name, *(f"R={replicas}" for replicas in args.replicas)], head=True)
        for shift in SHIFTS:
            cells = []
            for replicas in args.replicas:
                values = compute(*draw(replicas, args.examples, np.random.default_rng(args.seed), shift=shift))
                cells.append(f"{values.mean():.2f} / {np.percentile(values, 95):.2f}")
            print_row([f"shift {shift:g} σ" if shift else "same law", *cells])
        print()


def run_ranking(args: argparse.Namespace) -> None:
    """Means for unlearned pools of another spread: the direction of the divergence decides who looks good."""
    print_row([f"R={args.replicas[0]}", *VARIANTS], head=True)
    for spread in (0.1, 0.3, 0.5, 1.0, 2.0, 4.0):
        left, right = draw(args.replicas[0], args.examples, np.random.default_rng(args.seed))
        print_row(
            [f"spread × {spread:g}", *(f"{compute(spread * left, right).mean():.2f}" for compute in VARIANTS.values())]
        )


def run_outlier(args: argparse.Namespace) -> None:
    """One broken model of the unlearned pool, 30 σ and 99 away, in two equal laws and under a shift of 1 σ."""
    print_row([f"R={args.replicas[0]}", *VARIANTS], head=True)
    for shift in (0.0, 1.0):
        for away in (None, 30.0, 99.0):
            left, right = draw(args.replicas[0], args.examples, np.random.default_rng(args.seed), shift=shift)
            if away is not None:
                left[0] = away
            label = f"shift {shift:g} σ, {'no outlier' if away is None else f'one model at {away:g}'}"
            print_row([label, *(f"{compute(left, right).mean():.2f}" for compute in VARIANTS.values())])


def run_excess(args: argparse.Namespace) -> None:
    """klom_excess against the number of models, with a control bank and with halves of the retrained pool."""
    print_row(["mean excess", *(f"R={replicas}" for replicas in args.replicas)], head=True)
    for shift in SHIFTS[:5]:
        for with_control in (True, False):
            cells = []
            for replicas in args.replicas:
                rng = np.random.default_rng(args.seed)
                left, right = draw(replicas, args.examples, rng, shift=shift)
                control = rng.normal(size=left.shape) if with_control else None
                cells.append(f"{klom_excess(left, right, control=control).excess.mean():.3f}")
            print_row([f"shift {shift:g} σ, {'control bank' if with_control else 'halves'}", *cells])


def run_coverage(args: argparse.Namespace) -> None:
    """How often the 95 % interval of the mean holds what fresh pools of that size give on average."""
    print_row(["law, examples share models", *(f"R={replicas}" for replicas in args.replicas)], head=True)
    for name, shift in (("same law", 0.0), ("shift 0.5 σ", 0.5), ("shift 1 σ", 1.0)):
        cells = []
        for replicas in args.replicas:
            rng = np.random.default_rng(args.seed)
            pools = [draw_shared(replicas, args.examples, rng, shift) for _ in range(args.trials)]
            truth = np.mean([klom(*draw_shared(replicas, args.examples, rng, shift)).mean() for _ in range(1000)])
            intervals = [compute_klom_interval(*pair, seed=trial) for trial, pair in enumerate(pools)]
            held = np.mean([found.low <= truth <= found.high for found in intervals])
            width = np.mean([found.high - found.low for found in intervals])
            cells.append(f"{100 * held:.1f} % (± {width / 2:.3f} around {truth:.3f})")
        print_row([name, *cells])


def run_ulira(args: argparse.Namespace) -> None:
    """Mean accuracy, AUC and TPR at 1 % FPR against the closed forms for Gaussians of equal spread."""
    print_row(["shift", *(f"R={replicas}" for replicas in args.replicas), "closed form"], head=True)
    for shift in SHIFTS[:5]:
        cells = []
        for replicas in args.replicas:
            found = compute_ulira(*draw(replicas, args.examples, np.random.default_rng(args.seed), shift=shift))
            cells.append(f"{found.mean_accuracy:.3f} / {found.mean_auc:.3f} / {found.true_positive_rate:.3f}")
        truth = [float(norm.cdf(at)) for at in (shift / 2, shift / np.sqrt(2), shift - norm.isf(0.01))]
        print_row([f"{shift:g} σ", *cells, " / ".join(f"{value:.3f}" for value in truth)])


def draw(
    replicas: int, examples: int, rng: np.random.Generator, *, shift: float = 0.0, dtype: str = "float64"
) -> tuple[Array, Array]:
    shape = (replicas, examples)
    return (rng.normal(size=shape) + shift).astype(dtype), rng.normal(size=shape).astype(dtype)


def draw_shared(replicas: int, examples: int, rng: np.random.Generator, shift: float) -> tuple[Array, Array]:
    """Half of the variance of every model is common to all its examples."""
    left, right = draw(replicas, examples, rng)
    common = rng.normal(size=(2, replicas, 1))
    return np.sqrt(0.5) * (left + common[0]) + shift, np.sqrt(0.5) * (right + common[1])


def measure(compute: Callable[..., Array], *pools: Array) -> tuple[Array, float]:
    found = compute(*pools)
    best = np.inf
    for _ in range(3):
        started = time.process_time()
        compute(*pools)
        best = min(best, time.process_time() - started)
    return found, best


def print_row(cells: list[str], *, head: bool = False) -> None:
    print(f"| {' | '.join(cells)} |")
    if head:
        print(f"|{'---|' * len(cells)}")


TABLES = {
    "speed": run_speed,
    "behaviour": run_behaviour,
    "ranking": run_ranking,
    "outlier": run_outlier,
    "excess": run_excess,
    "coverage": run_coverage,
    "ulira": run_ulira,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--replicas", type=int, nargs="+", default=[100])
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    TABLES[args.table](args)


if __name__ == "__main__":
    main()
