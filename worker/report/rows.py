"""The numbers of a report's tables and pictures, worked out from a scorecard."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from core.formula import ranks_by_likeness
from core.scorecard import EarlyDecision, MetricLine, Provenance, ScorecardRecord
from worker.report.examples import ExampleDetail

Item = TypeVar("Item")
QUARTERS = ("most difficult quarter", "second quarter", "third quarter", "easiest quarter")


@dataclass(frozen=True, slots=True)
class BucketRow:
    """One range of epsilon; earned and lost are shares of a full point for every forget example."""

    label: str
    points: str
    examples: int
    earned: float
    lost: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way from full points to the score; it starts where the one before it ended."""

    label: str
    note: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    part: str
    unlearned: float
    retrained: float
    ratio: float | None


@dataclass(frozen=True, slots=True)
class DifficultyRow:
    label: str
    low: float
    high: float
    examples: int
    median_epsilon: float


def list_buckets(record: ScorecardRecord) -> list[BucketRow]:
    """Rows from the best forgotten examples to those that earn nothing."""
    epsilon = record.epsilon
    counts, edges = epsilon.counts, epsilon.edges
    points = [*epsilon.points, *[0.0] * (len(counts) - len(epsilon.points))]
    total = max(sum(counts), 1)
    labels = [*(f"{low:g} to {high:g}" for low, high in pairwise(edges)), f"{edges[-1]:g} and more"]
    return [
        BucketRow(label, show_points(worth), count, count * worth / total, count * (1 - worth) / total)
        for label, worth, count in zip(labels, points, counts, strict=False)
    ]


def sum_points(record: ScorecardRecord) -> float:
    """Points over examples; halving powers of two sum without rounding, so this is the forgetting quality itself."""
    counts = record.epsilon.counts
    earned = sum(count * worth for count, worth in zip(counts, record.epsilon.points, strict=False))
    return float(earned / max(sum(counts), 1))


def list_steps(record: ScorecardRecord) -> list[Step]:
    """From a full point for every example, bucket by bucket and through what else the version counts, to the score."""
    return [*list_bucket_steps(record), *list_last_steps(record)]


def list_bucket_steps(record: ScorecardRecord) -> list[Step]:
    """From a full point for every forget example to the forgetting quality."""
    buckets = [row for row in list_buckets(record) if row.examples]
    levels = [*accumulate((row.lost for row in buckets), lambda level, lost: level - lost, initial=1.0)]
    levels[-1] = sum_points(record)
    return [
        Step(f"ε {row.label}", f"{row.examples} × {row.points}", before, after)
        for row, (before, after) in zip(buckets, pairwise(levels), strict=True)
    ]


def list_last_steps(record: ScorecardRecord) -> list[Step]:
    """From the forgetting quality to the score: docs/metric.md §9."""
    retain, test = record.utility.retain_ratio, record.utility.test_ratio
    quality = record.share or "accuracy"
    factors = [(f"retain {quality}", retain), (f"test {quality}", test)]
    found = record.likeness
    if found is not None and ranks_by_likeness(record):
        least = min(found.forget, found.test, found.retain)
        share = least / found.forget if found.forget > 0 else 0.0
        capped = [(name, min(ratio, 1.0)) for name, ratio in factors]
        factors = [("smallest F", share), ("balance", found.balance), *capped]
    levels = accumulate(
        (factor for _, factor in factors), lambda level, factor: level * factor, initial=sum_points(record)
    )
    steps = [
        Step(name, f"× {factor:.3f}", before, after)
        for (name, factor), (before, after) in zip(factors, pairwise(levels), strict=True)
    ]
    if record.pairs is not None:  # a mean of products is not the product of means
        steps.append(Step("mean over pairs", "", steps[-1].after, record.score.estimate))
    return steps


def list_accuracies(record: ScorecardRecord) -> list[AccuracyRow]:
    unlearned, retrained = record.accuracy.unlearned, record.accuracy.retrained
    rows = (
        ("retain", unlearned.retain, retrained.retain),
        ("forget", unlearned.forget, retrained.forget),
        ("test", unlearned.test, retrained.test),
    )
    return [AccuracyRow(part, ours, ideal, ours / ideal if ideal else None) for part, ours, ideal in rows]


def split_metrics(metrics: Sequence[MetricLine]) -> tuple[list[MetricLine], list[MetricLine]]:
    """The metrics of the literature, and apart from them the many variants of one."""
    variants = [entry for entry in metrics if entry.group == "klom"]
    return [entry for entry in metrics if entry.group != "klom"], variants


def list_decision(decision: EarlyDecision) -> list[tuple[str, object]]:
    """Label and value of all that is known of an early end."""
    return [(name.replace("_", " "), value) for name, value in decision if value is not None]


def list_provenance(provenance: Provenance) -> list[tuple[str, object]]:
    """Label and value of all that was recorded, pools and versions last."""
    apart = {"pool_digests", "versions"}
    return [
        *((name.replace("_", " "), value) for name, value in provenance if name not in apart and value != ""),
        *((f"{name} pool", digest) for name, digest in provenance.pool_digests),
        *provenance.versions.items(),
    ]


def list_quarters(detail: ExampleDetail) -> list[DifficultyRow]:
    """Forget examples in four groups, by how sure retrained models are of them."""
    order = np.argsort(detail.difficulty, kind="stable")
    groups = zip(QUARTERS, np.array_split(order, len(QUARTERS)), strict=True)
    return [
        DifficultyRow(
            label,
            float(detail.difficulty[group].min()),
            float(detail.difficulty[group].max()),
            len(group),
            float(np.median(detail.epsilons[group])),
        )
        for label, group in groups
        if len(group)
    ]


def correlate_ranks(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float | None:
    """Spearman's rank correlation of two (N,) vectors; None where one of them is constant."""
    ranks = rankdata(first), rankdata(second)
    if min(np.ptp(values) for values in ranks) == 0:
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def pair_up(scores: Sequence[Item], errors: Sequence[Item] | None) -> list[tuple[Item, Item]]:
    """For tables of scores with their errors, which are there together."""
    return list(zip(scores, errors or scores, strict=True))


def show_points(worth: float) -> str:
    return f"1/{round(1 / worth)}" if 0 < worth < 1 else f"{worth:g}"
