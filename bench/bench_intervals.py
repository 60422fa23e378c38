"""Coverage, bias and comparison: the simulations behind docs/metric.md §11 and docs/leaderboard.md, as Markdown.

python -m bench.bench_intervals lower|audits|score|mu|compare [--laws ...] [--replicas 64 128] [--shared 0 0.3]

Retrained confidences are N(0, 1). `shared` is the correlation of two examples within one model: real examples share
their models, and only this makes a score noisy when there are many examples. A rate over n repeats is known to
sqrt(0.0475 / n) where it is 0.95: 0.03 for 50, 0.015 for 200.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from bench.published_audit import RULES, audit_both_ways, find_gaussian_epsilon
from core.domain.comparison import CLEAR, Measured, compute_lead
from evaluator import Scorecard, ScoredPool, ScoringProtocol, ScoringSpec, compute_epsilons, compute_points, score
from evaluator.intervals import count_drawn
from evaluator.privacy import compute_gaussian_mu
from evaluator.spec import MetricVersion

Array = NDArray[np.float64]
ALPHA = 0.05
FALL = 4.0
# Epsilon at delta = 1e-5 over half-lines and windows, not only those of some mass.
SUPREMA = {
    "same": 0.0,
    "quarter doubled": float(np.log(2.0)),
    **{f"shift {by:g}": find_gaussian_epsilon(by, 1e-5) for by in (0.5, 1.0, 2.0, 4.0)},
    "sd ratio 0.5": float("inf"),
}
LIMIT_REPLICAS = 1_000_000


@dataclass(frozen=True)
class Law:
    """Unlearned confidences from correlated standard normals; epsilon_alpha of each example, where it is known."""

    change: Callable[[Array], Array]
    epsilons: Callable[[int], Array] | None = None

    def find_limit(self, examples: int) -> float:
        """The score as the number of replicas grows, nan if not known in closed form."""
        if self.epsilons is None:
            return float("nan")
        return float(compute_points(np.maximum(self.epsilons(examples), 0.0), LIMIT_REPLICAS).mean())


def spread_shifts(examples: int) -> Array:
    """Every example its own shift, from 0 to 2: what a real entry looks like."""
    return np.linspace(0.0, 2.0, examples)


def shift_epsilon(by: Array | float) -> Array:
    return np.asarray(np.log(norm.cdf(by - norm.isf(ALPHA)) / ALPHA))


def shift(by: float) -> Law:
    return Law(lambda z: z + by, lambda examples: np.full(examples, shift_epsilon(by)))


def scale(by: float) -> Law:
    """Central interval against tails; the wider ratio counts."""
    narrow, wide = sorted([by, 1.0])
    centre = 2 * norm.cdf(norm.isf(0.5 - ALPHA / 2) * wide / narrow) - 1
    tails = 2 * norm.sf(norm.isf(ALPHA / 2) * narrow / wide)
    epsilon = float(np.log(max(centre, tails) / ALPHA))
    return Law(lambda z: by * z, lambda examples: np.full(examples, epsilon))


def move_all(by: float) -> Law:
    return Law(
        lambda z: z + spread_shifts(z.shape[1]) + by, lambda examples: shift_epsilon(spread_shifts(examples) + by)
    )


def double_quarter(z: Array) -> Array:
    """The lowest quarter twice as likely, the rest two thirds as likely: no region tells more than ln 2."""
    share = norm.cdf(z)
    return np.asarray(norm.ppf(np.where(share < 0.5, share / 2, 0.25 + (share - 0.5) * 1.5)))


LAWS = {
    "same": shift(0.0),
    "shift 0.25": shift(0.25),
    "shift 0.5": shift(0.5),
    "shift 1": shift(1.0),
    "shift 2": shift(2.0),
    "shift 4": shift(4.0),
    "sd ratio 0.5": scale(0.5),
    "sd ratio 2": scale(2.0),
    "rounded": Law(np.round),
    "quarter doubled": Law(double_quarter, lambda examples: np.full(examples, np.log(2.0))),
    "shifts 0 to 2": move_all(0.0),
    "shifts 0.1 to 2.1": move_all(0.1),
    "shifts 0.25 to 2.25": move_all(0.25),
    "shifts 0.5 to 2.5": move_all(0.5),
}


def draw_pool(
    law: Law,
    shape: tuple[int, int],
    shared: float,
    accuracy: tuple[float, float],
    rng: np.random.Generator,
    *,
    failing: float = 0.0,
    metric: MetricVersion = MetricVersion.lacuna_2,
) -> ScoredPool:
    """accuracy: mean and deviation of a model's accuracy on the retain and on the test set.

    failing: chance of a model to fail, which lowers its confidence on all examples together. metric: lacuna-3 needs
    test and retain examples too, which follow the retrained law except in models that failed.
    """
    aside = rng.spawn(1)[0]
    own, common = rng.normal(size=shape), rng.normal(size=(shape[0], 1))
    confidences = law.change(np.sqrt(1 - shared) * own + np.sqrt(shared) * common)
    has_failed = aside.random((shape[0], 1)) < failing
    confidences = confidences - FALL * has_failed
    retain, test = np.clip(accuracy[0] + accuracy[1] * rng.normal(size=(2, shape[0])), 0.0, 1.0)
    if metric is MetricVersion.lacuna_2:
        return ScoredPool(confidences, retain, test, retain)
    return ScoredPool(confidences, retain, test, retain, None, *(aside.normal(size=(2, *shape)) - FALL * has_failed))


def run_score(args: argparse.Namespace) -> None:
    """Two tables from one simulation: coverage of the interval, and bias of the raw and of the corrected score.

    "symmetric": score plus or minus a t quantile of the delete-d jackknife's error, from the same draws.
    """
    spec = ScoringSpec(
        interval_resamples=args.resamples, interval_split_seeds=args.interval_split_seeds, metric=args.metric
    )
    biases = []
    columns = ["mean score", "sd", "standard error", "covered", "width", "covered, symmetric", "width, symmetric"]
    print_row(["law", "R", "shared", *columns], head=True)
    for name, replicas, shared in cells(args):
        cards = [
            simulate(LAWS[name], (replicas, args.examples), shared, spec, seed, args) for seed in range(args.repeats)
        ]
        scores = np.array([card.score for card in cards])
        error = np.mean([card.interval.standard_error for card in cards])
        numbers = (f"{value:.3f}" for value in (scores.mean(), scores.std(ddof=1), error))
        ends = np.array([(card.interval.low, card.interval.high) for card in cards])
        plain = np.array([make_symmetric(card) for card in cards])
        print_row([name, replicas, shared, *numbers, *judge(ends, scores.mean()), *judge(plain, scores.mean())])
        corrected = np.array([card.corrected for card in cards])
        limit = LAWS[name].find_limit(args.examples)
        biases.append([name, replicas, shared, f"{limit:.3f}", *describe(scores, limit), *describe(corrected, limit)])
    print()
    columns = ["limit", "bias raw", "rms error raw", "bias corrected", "rms error corrected"]
    print_row(["law", "R", "shared", *columns], head=True)
    for row in biases:
        print_row(row)


def make_symmetric(card: Scorecard) -> tuple[float, float]:
    """Ends of the interval that the delete-d jackknife gives from the same draws."""
    draws, replicas = card.interval.draws, card.unlearned_replicas
    part = count_drawn(replicas)
    width = t.isf((1 - card.interval.level) / 2, len(draws) - 1) * np.std(draws, ddof=1)
    width *= np.sqrt(part / (replicas - part))
    return max(card.score - width, 0.0), card.score + width


def judge(ends: Array, truth: float) -> list[str]:
    """Share of the intervals that hold the truth, and their mean width."""
    covered = np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
    return [f"{covered:.3f}", f"{np.mean(ends[:, 1] - ends[:, 0]):.3f}"]


def describe(scores: Array, limit: float) -> list[str]:
    return [f"{scores.mean() - limit:+.3f}", f"{np.sqrt(np.mean((scores - limit) ** 2)):.3f}"]


def simulate(
    law: Law, shape: tuple[int, int], shared: float, spec: ScoringSpec, seed: int, args: argparse.Namespace
) -> Scorecard:
    rng = np.random.default_rng([seed, shape[0]])
    accuracy = (0.9, args.accuracy_sd)
    unlearned = draw_pool(law, shape, shared, accuracy, rng, failing=args.failing, metric=spec.metric)
    retrained = draw_pool(LAWS["same"], shape, shared, accuracy, rng, metric=spec.metric)
    return score(unlearned, retrained, spec=spec, protocols=(spec.protocol,))


def run_lower(args: argparse.Namespace) -> None:
    """Share of examples whose lower bound lies at or below the true value, and how low it lies."""
    columns = ["true", "covered held_out", "mean bound", "covered exact", "mean bound"]
    print_row(["law", "R", *columns], head=True)
    for name, replicas in ((name, replicas) for name in args.laws for replicas in args.replicas):
        law = LAWS[name]
        if law.epsilons is None:
            continue
        # The exact protocol's regions have no least mass: for these laws its supremum is at least epsilon_alpha.
        truth = law.epsilons(args.examples * args.repeats) + 1e-9
        pools = draw_independent(law, replicas, truth.size, args.seed)
        texts = []
        for protocol in (ScoringProtocol.held_out, ScoringProtocol.exact):
            lower = compute_epsilons(*pools, protocol=protocol).lower
            texts += [f"{np.mean(lower <= truth):.3f}", f"{lower.mean():.2f}"]
        print_row([name, replicas, f"{truth.mean():.2f}", *texts])


def run_audits(args: argparse.Namespace) -> None:
    """Bounds of the same samples by ours and by two published rules: mean, and share above the true value."""
    columns = [
        "true",
        "exact",
        "held_out",
        "thresholds",
        "gaussian",
        "above the truth: exact",
        "thresholds",
        "gaussian",
    ]
    print_row(["law", "R", *columns], head=True)
    for name, replicas in ((name, replicas) for name in args.laws for replicas in args.replicas):
        pools = draw_independent(LAWS[name], replicas, args.examples * args.repeats, args.seed)
        ours = [
            compute_epsilons(*pools, protocol=rule).lower for rule in (ScoringProtocol.exact, ScoringProtocol.held_out)
        ]
        columns_of = [pool.T for pool in pools]
        theirs = [
            np.array(
                [
                    audit_both_ways(one, other, rule, error=0.05, delta=1e-5)
                    for one, other in zip(*columns_of, strict=True)
                ]
            )
            for rule in RULES
        ]
        true = SUPREMA[name]
        above = (f"{np.mean(bound > true):.3f}" for bound in (ours[0], *theirs))
        means = (f"{bound.mean():.2f}" for bound in (*ours, *theirs))
        print_row([name, replicas, f"{true:.2f}", *means, *above])


def run_mu(args: argparse.Namespace) -> None:
    """Mean and deviation of the Gaussian-DP estimate over examples, against the shift."""
    print_row(["law", "R", "mean mu", "sd over examples"], head=True)
    for name, replicas in ((name, replicas) for name in args.laws for replicas in args.replicas):
        mu = compute_gaussian_mu(*draw_independent(LAWS[name], replicas, args.examples, args.seed))
        print_row([name, replicas, f"{mu.mean():.2f}", f"{mu.std():.2f}"])


def draw_independent(law: Law, replicas: int, examples: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng([seed, replicas])
    return law.change(rng.normal(size=(replicas, examples))), rng.normal(size=(replicas, examples))


def run_compare(args: argparse.Namespace) -> None:
    """How often two entries against one retrained pool are put in one tie group, by three rules."""
    columns = ["paired", "unpaired", "overlap", "mean lead", "wrong way"]
    print_row(["first entry", "second entry", "R", "shared", *columns], head=True)
    spec = ScoringSpec(interval_resamples=args.resamples, interval_split_seeds=args.interval_split_seeds)
    for name, replicas, shared in cells(args):
        shape = (replicas, args.examples)
        rows = np.array([compare(args.laws[0], name, shape, shared, spec, seed) for seed in range(args.repeats)])
        print_row(
            [args.laws[0], name, replicas, shared]
            + [f"{value:.2f}" for value in rows[:, :3].mean(axis=0)]
            + [f"{rows[:, 3].mean():.3f}", f"{np.mean((rows[:, 0] == 0) & (rows[:, 3] < 0)):.2f}"]
        )


def compare(
    first: str, second: str, shape: tuple[int, int], shared: float, spec: ScoringSpec, seed: int
) -> tuple[bool, bool, bool, float]:
    """Tied by paired draws, by the two standard errors, by overlap; and the first entry's lead."""
    rng = np.random.default_rng([seed, shape[0]])
    accuracy = (0.9, 0.005)
    retrained = draw_pool(LAWS["same"], shape, shared, accuracy, rng)
    cards = [
        score(draw_pool(LAWS[name], shape, shared, accuracy, rng), retrained, spec=spec, protocols=(spec.protocol,))
        for name in (first, second)
    ]
    high, low = sorted(cards, key=lambda card: -card.score)
    paired, unpaired = ([measure(card, draws=draws) for card in (high, low)] for draws in (True, False))
    return (
        compute_lead(*paired) < CLEAR,
        compute_lead(*unpaired) < CLEAR,
        high.interval.low <= low.interval.high,
        cards[0].score - cards[1].score,
    )


def measure(card: Scorecard, *, draws: bool) -> Measured:
    return Measured(card.score, card.interval.standard_error, card.interval.draws if draws else ())


def cells(args: argparse.Namespace) -> Iterable[tuple[str, int, float]]:
    return ((name, replicas, shared) for name in args.laws for shared in args.shared for replicas in args.replicas)


def print_row(values: Sequence[object], *, head: bool = False) -> None:
    print("| " + " | ".join(str(value) for value in values) + " |", flush=True)
    if head:
        print("|" + "---|" * len(values))


TABLES = {"lower": run_lower, "audits": run_audits, "score": run_score, "mu": run_mu, "compare": run_compare}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--laws", nargs="+", default=["same", "shift 0.5", "shift 1", "shifts 0 to 2"], choices=LAWS)
    parser.add_argument("--replicas", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--shared", type=float, nargs="+", default=[0.3])
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--resamples", type=int, default=32)
    parser.add_argument("--interval-split-seeds", type=int, default=1)
    parser.add_argument("--accuracy-sd", type=float, default=0.0, help="of a model's accuracies, around 0.9")
    parser.add_argument("--metric", type=MetricVersion, default=MetricVersion.lacuna_2)
    parser.add_argument("--failing", type=float, default=0.0, help="share of unlearned models that fail together")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    TABLES[args.table](args)


if __name__ == "__main__":
    main()
