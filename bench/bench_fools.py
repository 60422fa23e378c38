"""What fools a score, and what lacuna-3 makes of it: the tables of docs/metric.md §12. Every table is one subcommand.

python -m bench.bench_fools entries [--replicas 128]   honest entries and a table of answers, on real digits
python -m bench.bench_fools store --replicas 32        their outputs, as tests/fixtures/fools.npz has them
python -m bench.bench_fools starts [--replicas 64]     honest entries from models that saw the forget set, and never did
python -m bench.bench_fools laws [--replicas 256]      made-up laws: score, joint view, flags
python -m bench.bench_fools mixtures                   forgetting and drift by themselves and together
python -m bench.bench_fools null                       the joint view and clumping of pools of one law
python -m bench.bench_fools coverage                   how often the interval of lacuna-3 holds the mean of fresh pools
"""

import argparse
import math
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bench.bench_evaluator import print_row
from bench.run_entries import Outcome, run_entries, run_from_both, store_entries
from evaluator import MetricVersion, ScoredPool, ScoringSpec, compute_epsilons, score
from evaluator.fingerprints import make_reference
from evaluator.flags import check_clumped, check_collapsed, check_copied, check_joint
from evaluator.forgetting import compute_pool_points
from evaluator.joint import JointView, compute_joint_view
from evaluator.neighbours import compute_clumping
from evaluator.spec import DEFAULT_ATTACKS, Attack

Array = NDArray[np.float64]
SPEC = ScoringSpec(metric=MetricVersion.lacuna_3, interval_resamples=2)
ALPHA = 0.05
TOPS = ((0, 0, 0), (1, 1, 1), (2, 1, 1), (0.5, 1, 1))  # mean shifts of the examples of each set
MEASURED = ("F forget", "F test", "F retain", "memory", "balance")


def draw_normal(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    return rng.normal(size=size)


def draw_comb(rng: np.random.Generator, size: tuple[int, int], *, teeth: int, kept: float) -> Array:
    """N(0, 1) of which a share of each tooth is kept."""
    within = (rng.integers(teeth, size=size) + kept * rng.uniform(size=size)) / teeth
    return np.asarray(ndtri(np.clip(within, 1e-12, 1 - 1e-12)))


def draw_spikes(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Eight spikes of 4 % each, the rest N(0, 1)."""
    values, which = rng.normal(size=size), rng.integers(25, size=size)
    return np.where(which < 8, ndtri((which % 8 + 0.5) / 8), values)


def draw_contaminated(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    far = rng.uniform(size=size)
    return rng.normal(size=size) + np.where(far < 0.07, -8.0, np.where(far > 0.93, 8.0, 0.0))


def draw_few(rng: np.random.Generator, size: tuple[int, int], *, share: float, networks: int, noise: float) -> Array:
    """A share of the models are copies of a few networks, blurred so that each value is N(0, 1) all the same."""
    values, few = rng.normal(size=size), rng.normal(size=(networks, size[1]))
    copies = round(share * size[0])
    blurred = math.sqrt(1 - noise**2) * few[rng.integers(networks, size=copies)]
    values[:copies] = blurred + noise * rng.normal(size=(copies, size[1]))
    return values


def draw_together(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """All examples of a model share half of their variance; each by itself is N(0, 1)."""
    return math.sqrt(0.5) * (rng.normal(size=size) + rng.normal(size=(size[0], 1)))


Law = Callable[[np.random.Generator, tuple[int, int]], Array]
# each with what it should earn: points of the epsilon that the best region of its law has
LAWS: dict[str, tuple[Law, float]] = {
    "the same law": (draw_normal, 0.0),
    "comb of 40, a tenth kept": (lambda rng, size: draw_comb(rng, size, teeth=40, kept=0.1), math.log(0.9 / ALPHA)),
    "comb of 20, half kept": (lambda rng, size: draw_comb(rng, size, teeth=20, kept=0.5), math.log(0.5 / ALPHA)),
    "eight spikes of 4 %": (draw_spikes, math.log(0.32 / ALPHA)),
    "7 % far on each side": (draw_contaminated, math.log(0.14 / ALPHA)),
    "30 % from 20 networks": (lambda rng, size: draw_few(rng, size, share=0.3, networks=20, noise=0.0), 0.0),
    "30 % from 20, blurred": (lambda rng, size: draw_few(rng, size, share=0.3, networks=20, noise=0.3), 0.0),
    "all from 20, blurred": (lambda rng, size: draw_few(rng, size, share=1.0, networks=20, noise=0.3), 0.0),
    "examples vary together": (draw_together, 0.0),
}


def run_laws(args: argparse.Namespace) -> None:
    """Each law on all three sets: the score, what a kernel density makes of it, and which check sees the rest."""
    print_row(
        ["law", "points due", "F", "F with kernel density", "score", "joint AUC", "clumping", "seen by"], head=True
    )
    for name, (law, epsilon) in LAWS.items():
        rng = np.random.default_rng(args.seed)
        size = (args.replicas, args.examples)
        pools = make_pool(*(law(rng, size) for _ in range(3))), make_pool(*(rng.normal(size=size) for _ in range(3)))
        card = score(*pools, spec=SPEC, protocols=())
        dense = compute_epsilons(
            pools[0].confidences, pools[1].confidences, attacks=(*DEFAULT_ATTACKS, Attack.kernel_density)
        )
        joint = compute_joint_view(*map(list_outputs, pools))
        clumping = compute_clumping(pools[0].confidences, pools[1].confidences)
        due = 2.0 ** -math.floor(epsilon / 0.5) if epsilon < 2.5 else 0.0
        cells = [card.forgetting_quality, float(compute_pool_points(dense).mean()), card.score, joint.auc, clumping]
        seen = list_flags(*pools, least=card.likeness.least if card.likeness else 0.0, usual=0.95)
        if due < 1 and card.score < max(0.5, 2 * due):
            seen = ["score", *seen]
        print_row([name, f"{due:.3f}", *(f"{cell:.3f}" for cell in cells), ", ".join(seen) or "–"])


def list_flags(unlearned: ScoredPool, retrained: ScoredPool, *, least: float, usual: float) -> list[str]:
    """Codes of the checks of models against each other that fire."""
    ours, theirs = list_outputs(unlearned), list_outputs(retrained)
    reference = make_reference(theirs, theirs[:1] + 5)
    prints = reference.standardise(ours)
    checks = (
        check_collapsed(prints, reference, ()),
        check_copied(prints, reference),
        check_joint(compute_joint_view(ours, theirs), least, usual=usual),
        check_clumped(compute_clumping(unlearned.confidences, retrained.confidences), least, usual=usual),
    )
    return [f"`{check.code}`" for check in checks if check.severity is not None]


def run_mixtures(args: argparse.Namespace) -> None:
    """Memory shifts forget examples, drift shifts all of them, a table shifts all but the forget examples."""
    columns = ["F forget", "F test", "F retain", "memory", "lacuna-2", "lacuna-3"]
    print_row(["shift of forget", "of test", "of retain", *columns], head=True)
    ladders = ((0, 0, 0), (0.5, 0, 0), (1, 0, 0), (3, 0, 0), (0.5, 0.5, 0.5), (1, 1, 1), (2, 2, 2), (1.5, 0.5, 0.5))
    for shifts in (*ladders, (2, 1, 1), (0.5, -0.5, -0.5), (0, 0.5, 0.5), (0, 1, 1), (0, 1, 0), (1, 1, 0)):
        rng = np.random.default_rng(args.seed)
        size = (args.replicas, args.examples)
        unlearned = make_pool(*(shift + rng.normal(size=size) for shift in shifts))
        card = score(unlearned, make_pool(*(rng.normal(size=size) for _ in range(3))), spec=SPEC, protocols=())
        found = card.likeness
        if found is not None:
            cells = (found.forget, found.test, found.retain, found.memory, card.forgetting_quality, card.score)
            print_row([*shifts, *(f"{cell:.3f}" for cell in cells)])


def run_null(args: argparse.Namespace) -> None:
    """Pools of one law, with and without a factor that all outputs of a model share."""
    print_row(
        ["models", "shared", "joint AUC", "spread", "assumed", "highest", "threshold", "clumping, highest"], head=True
    )
    for replicas in (64, 128, 256):
        for shared in (0.0, 0.3, 0.6):
            found = list(draw_null(replicas, shared, args))
            areas, clumps = [view.auc for view, _ in found], [clump for _, clump in found]
            assumed = found[0][0].null_spread
            cells = (np.mean(areas), np.std(areas), assumed, max(areas), 0.5 + 4 * assumed, max(clumps))
            print_row([replicas, shared, *(f"{cell:.3f}" for cell in cells)])


def draw_null(replicas: int, shared: float, args: argparse.Namespace) -> Iterator[tuple[JointView, float]]:
    for repeat in range(args.repeats):
        rng = np.random.default_rng([args.seed, repeat])
        left, right = (
            math.sqrt(1 - shared) * rng.normal(size=(replicas, args.examples))
            + math.sqrt(shared) * rng.normal(size=(replicas, 1))
            for _ in range(2)
        )
        yield compute_joint_view(left, right), compute_clumping(left, right)


def run_coverage(args: argparse.Namespace) -> None:
    """Fresh pools of one law each time; models share a factor, every example has a shift of its own.

    failing: chance of an unlearned model to fail, which lowers all of its confidences by 4.
    """
    columns = ["models", "shared", "failing", "mean", "sd", "standard error", "covered"]
    print_row(["forget, test, retain", *columns], head=True)
    spec = ScoringSpec(metric=MetricVersion.lacuna_3)
    for top, shared, failing in product(TOPS, (0.0, 0.3, 0.6), (0.0, 0.1)):
        cards = []
        for repeat in range(args.repeats):
            rng = np.random.default_rng([args.seed, repeat])
            failed = np.where(rng.random((args.replicas, 1)) < failing, 4.0, 0.0)
            retrained = draw_shared((0, 0, 0), shared, rng, args)
            cards.append(score(draw_shared(top, shared, rng, args, failed), retrained, spec=spec, protocols=()))
        values = np.array([card.score for card in cards])
        held = np.mean([card.interval.low <= values.mean() <= card.interval.high for card in cards])
        errors = np.mean([card.interval.standard_error for card in cards])
        cells = (values.mean(), values.std(), errors, held)
        print_row([str(top), args.replicas, shared, failing, *(f"{cell:.3f}" for cell in cells)])


def draw_shared(
    shifts: tuple[float, ...],
    shared: float,
    rng: np.random.Generator,
    args: argparse.Namespace,
    failed: Array | float = 0.0,
) -> ScoredPool:
    factor = rng.normal(size=(args.replicas, 1))
    size = (args.replicas, args.examples)
    slopes = np.linspace(0, 2, args.examples)
    noise = (math.sqrt(1 - shared) * rng.normal(size=size) + math.sqrt(shared) * factor - failed for _ in shifts)
    return make_pool(*(shift * slopes + part for shift, part in zip(shifts, noise, strict=True)))


def run_real(args: argparse.Namespace) -> None:
    """Honest entries and tables of answers on a problem, best first: what lacuna-2 and lacuna-3 make of them."""
    outcomes = run_entries(args.problem, args.replicas)
    print_row(["entry", *MEASURED, "accuracy kept", "cost", "lacuna-2", "lacuna-3", "swapped"], head=True)
    for outcome in sorted(outcomes, key=lambda outcome: -outcome.new):
        swapped = "–" if outcome.swapped is None else f"{outcome.swapped:.2f}"
        ours = f"{outcome.new:.3f} ± {outcome.around:.3f}"
        cells = (f"{outcome.kept:.3f}", f"{outcome.cost:.1%}", f"{outcome.old:.3f}", ours, swapped)
        print_row([outcome.name, *describe_likeness(outcome), *cells])


def run_store(args: argparse.Namespace) -> None:
    store_entries(args.problem, args.replicas, args.examples, Path("tests/fixtures/fools.npz"))


def run_starts(args: argparse.Namespace) -> None:
    """The same honest entries from an original, and from models that have nothing to remember: only memory differs."""
    print_row(["entry", "from", *MEASURED, "lacuna-2", "lacuna-3"], head=True)
    for start, outcome in run_from_both(args.problem, args.replicas):
        print_row([outcome.name, start, *describe_likeness(outcome), f"{outcome.old:.3f}", f"{outcome.new:.3f}"])


def describe_likeness(outcome: Outcome) -> list[str]:
    found = outcome.likeness
    return [f"{cell:.3f}" for cell in (found.forget, found.test, found.retain, found.memory, found.balance)]


def make_pool(forget: Array, test: Array, retain: Array) -> ScoredPool:
    ones = np.ones(len(forget))
    return ScoredPool(forget, ones, ones, ones, test_confidences=test, retain_confidences=retain)


def list_outputs(pool: ScoredPool) -> Array:
    parts = [pool.confidences, pool.test_confidences, pool.retain_confidences]
    return np.concatenate([np.asarray(part) for part in parts if part is not None], axis=1)


TABLES = {
    "entries": run_real,
    "starts": run_starts,
    "store": run_store,
    "laws": run_laws,
    "mixtures": run_mixtures,
    "null": run_null,
    "coverage": run_coverage,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--problem", default="digits")
    parser.add_argument("--replicas", type=int, default=128)
    parser.add_argument("--examples", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    TABLES[args.table](args)


if __name__ == "__main__":
    main()
