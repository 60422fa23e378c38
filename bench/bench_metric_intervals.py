"""Coverage of the intervals of docs/metrics.md: KLOM excess, U-LiRA, Avg. Gap and Sum. Prints Markdown.

python -m bench.bench_metric_intervals excess|ulira|gaps [--replicas 32 64] [--trials 100]
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.bench_klom import draw_shared
from evaluator.intervals import ScoreInterval
from evaluator.metrics.aggregates import (
    AggregateInterval,
    ModelPercents,
    compute_avg_gap_interval,
    compute_sum_interval,
)
from evaluator.metrics.klom import compute_klom_excess_interval, compute_klom_interval, klom, klom_excess
from evaluator.metrics.ulira import LikelihoodRatioAttack, compute_ulira, compute_ulira_intervals

Array = NDArray[np.floating]
Pools = tuple[Array, Array, Array]
SHIFTS = (("same law", 0.0), ("shift 0.5 σ", 0.5), ("shift 1 σ", 1.0))
FRESH = 300
RETRAIN = (6.0, 98.0, 90.0, 13.0, 75.0)  # UA, RA, TA, MIA-eff, MIA-sfr
NOISE = (1.5, 0.2, 0.5, 3.0, 1.0)  # deviation over models of each
MIA_MODELS = 16
GAPS = {
    "none": (0.0, 0.0, 0.0, 0.0),
    "MIA-eff alone, by 2": (0.0, 0.0, 0.0, 2.0),
    "as large as their noise": (0.3, 0.05, 0.1, 0.8),
    "UA 2, RA 1, TA 3, MIA-eff 9": (2.0, -1.0, -3.0, 9.0),
}


def run_excess(args: argparse.Namespace) -> None:
    """The interval with the floor's own noise, and what it would be were the measured floor the true one."""
    columns = ["excess", "covered", "width", "covered, floor known", "width, floor known"]
    print_row(["law", "R", "floor from", *columns], head=True)
    for replicas in args.replicas:
        for name, shift in SHIFTS:
            for bank in ("control", "halves"):
                print_row([name, replicas, bank, *_judge_excess(args, replicas, shift, with_control=bank == "control")])


def _judge_excess(args: argparse.Namespace, replicas: int, shift: float, *, with_control: bool) -> list[str]:
    rng = np.random.default_rng(args.seed)

    def draw() -> Pools:
        left, right = draw_shared(replicas, args.examples, rng, shift)
        return left, right, draw_shared(replicas, args.examples, rng, 0.0)[0]

    def excess(pools: Pools) -> float:
        found = klom_excess(*pools[:2], control=pools[2] if with_control else None)
        return float(found.excess.mean())

    truth = float(np.mean([excess(draw()) for _ in range(FRESH)]))
    trials = [draw() for _ in range(args.trials)]
    whole = [compute_klom_excess_interval(*p[:2], control=p[2] if with_control else None) for p in trials]
    texts = [f"{truth:.3f}", *_judge([(one.low, one.high) for one in whole], truth)]
    if not with_control:
        return [*texts, "", ""]
    known = []
    for left, right, control in trials:
        found, floor = compute_klom_interval(left, right), float(klom(control, right).mean())
        known.append((found.low - floor, found.high - floor))
    return [*texts, *_judge(known, truth)]


def run_ulira(args: argparse.Namespace) -> None:
    """Coverage of what fresh pools of the same sizes give on average."""
    print_row(["law", "R", "of", "mean", "covered", "width"], head=True)
    for replicas in args.replicas:
        for name, shift in SHIFTS:
            rng = np.random.default_rng(args.seed)
            fresh = [compute_ulira(*draw_shared(replicas, args.examples, rng, shift)) for _ in range(FRESH)]
            found = [
                compute_ulira_intervals(*draw_shared(replicas, args.examples, rng, shift)) for _ in range(args.trials)
            ]
            for of, read in READ.items():
                truth = float(np.mean([read(one) for one in fresh]))
                ends: list[ScoreInterval] = [getattr(one, of) for one in found]
                judged = _judge([(one.low, one.high) for one in ends], truth)
                print_row([name, replicas, of.replace("_", " "), f"{truth:.3f}", *judged])


READ: dict[str, Callable[[LikelihoodRatioAttack], float]] = {
    "accuracy": lambda found: found.mean_accuracy,
    "auc": lambda found: found.mean_auc,
    "true_positive_rate": lambda found: found.true_positive_rate,
}


def run_gaps(args: argparse.Namespace) -> None:
    """Avg. Gap and Sum of models whose percents are correlated, MIA-eff over sixteen models only."""
    print_row(["gaps", "R", "correlation", "Avg. Gap", "covered", "width", "Sum covered", "width"], head=True)
    for replicas in args.replicas:
        for name, gaps in GAPS.items():
            for shared in args.shared:
                rng = np.random.default_rng(args.seed)
                pairs = [
                    (_draw_percents(rng, replicas, shared, gaps), _draw_percents(rng, replicas, shared, GAPS["none"]))
                    for _ in range(args.trials)
                ]
                truth = float(np.mean(np.abs(gaps)))
                total = sum(RETRAIN[:4]) + sum(gaps)
                texts = _judge(_ends([compute_avg_gap_interval(*pair) for pair in pairs]), truth)
                texts += _judge(_ends([compute_sum_interval(ours) for ours, _ in pairs]), total)
                print_row([name, replicas, shared, f"{truth:.2f}", *texts])


def _draw_percents(rng: np.random.Generator, models: int, shared: float, gaps: Sequence[float]) -> ModelPercents:
    common = np.sqrt(shared) * rng.normal(size=models)
    columns = [
        mean + gap + noise * (common + np.sqrt(1 - shared) * rng.normal(size=models))
        for mean, gap, noise in zip(RETRAIN, (*gaps, 0.0), NOISE, strict=True)
    ]
    ua, ra, ta, mia_eff, mia_sfr = (np.clip(column, 0, 100) for column in columns)
    return ModelPercents(ua, ra, ta, mia_eff[:MIA_MODELS], mia_sfr)


def _ends(found: Sequence[AggregateInterval]) -> list[tuple[float, float]]:
    return [(one.low, one.high) for one in found]


def _judge(ends: Sequence[tuple[float, float]], truth: float) -> list[str]:
    low, high = np.array(ends).T
    return [f"{np.mean((low <= truth) & (truth <= high)):.3f}", f"{np.mean(high - low):.3f}"]


def print_row(values: Sequence[object], *, head: bool = False) -> None:
    print("| " + " | ".join(map(str, values)) + " |", flush=True)
    if head:
        print("|" + "---|" * len(values))


TABLES = {"excess": run_excess, "ulira": run_ulira, "gaps": run_gaps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--replicas", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--shared", type=float, nargs="+", default=[0.0, 0.5])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    TABLES[args.table](args)


if __name__ == "__main__":
    main()
