"""One record of several forget requests: means of what is a mean, all examples one after the other, every flag."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from core.domain.commitments import join_digests
from core.domain.pools import PoolKind
from core.scorecard import (
    AccuracyKept,
    AttackLine,
    Ceiling,
    EpsilonSummary,
    FlagCheck,
    JointTelling,
    MeasuredScore,
    MetricLine,
    PoolAccuracies,
    PoolDigests,
    ProtocolScores,
    Provenance,
    ScorecardRecord,
    SplitAccuracies,
    SplitLikeness,
)
from core.scorecard_parts import NoiseShares, PairScores
from evaluator import Scorecard, ScoringProtocol
from evaluator.averaging import AveragedScore
from evaluator.flags import Severity
from worker.scorecard.flags import pick_raised

Cards = Sequence[Sequence[Scorecard]]  # a row for each original, a column for each request
SEVERITIES = tuple(Severity)


def join_records(records: Sequence[ScorecardRecord], cards: Cards, averaged: AveragedScore) -> ScorecardRecord:
    """records: of each request, all its replicas in one pool, whose runtime and counts are the evaluation's.

    What the scores are made of is the mean over originals and requests; metrics of the literature, the joint view,
    accuracies and ceilings are means over requests, whose replicas they take together, whatever they started from.
    """
    first, every = records[0], [card for row in cards for card in row]
    checks = join_checks([record.flag_checks or () for record in records])
    return first.model_copy(
        update={
            "score": _describe_score(averaged, first.score.level),
            "pairs": _describe_pairs(averaged),
            "protocols": _join_protocols(every),
            "forgetting_quality": _mean(card.forgetting_quality for card in every),
            "likeness": _join_likeness(every),
            "joint": _join_joint(records),
            "utility": _join_utility(every),
            "unlearning_accuracy": _mean(record.unlearning_accuracy for record in records),
            "retain_accuracy": _mean(record.retain_accuracy for record in records),
            "test_accuracy": _mean(record.test_accuracy for record in records),
            "epsilon": _join_epsilons(cards),
            "ceiling": join_ceilings([record.ceiling for record in records]),
            "accuracy": _join_accuracies(records),
            "replicas": first.replicas.model_copy(update={"unlearned": sum(r.replicas.unlearned for r in records)}),
            "provenance": join_provenance([record.provenance for record in records]),
            "attacks": _join_attacks([record.attacks or () for record in records]),
            "flags": pick_raised(checks),
            "flag_checks": checks,
            "metrics": join_metrics([record.metrics or () for record in records]),
        }
    )


def _describe_score(averaged: AveragedScore, level: float) -> MeasuredScore:
    return MeasuredScore(
        estimate=averaged.score,
        low=averaged.low,
        high=averaged.high,
        level=level,
        corrected=averaged.corrected,
        standard_error=averaged.interval.standard_error,
    )


def _describe_pairs(averaged: AveragedScore) -> PairScores:
    found, shares = averaged.interval, averaged.interval.shares
    noise = NoiseShares(
        replicas=min(shares["replicas"], 1.0),
        originals=shares.get("originals"),
        requests=shares.get("requests"),
        both=shares.get("both"),
    )
    return PairScores(
        originals=found.originals,
        requests=found.requests,
        noise=noise if shares else None,
        freedom=found.freedom if math.isfinite(found.freedom) else None,
        scores=tuple(map(tuple, averaged.scores.tolist())),
        errors=tuple(map(tuple, averaged.errors.tolist())),
    )


def _join_protocols(cards: Sequence[Scorecard]) -> ProtocolScores:
    return ProtocolScores(**{each: _mean(card.under(each).score for card in cards) for each in ScoringProtocol})


def _join_likeness(cards: Sequence[Scorecard]) -> SplitLikeness | None:
    found = [card.likeness for card in cards if card.likeness is not None]
    if len(found) < len(cards):
        return None
    names = ("forget", "test", "retain", "balance")
    return SplitLikeness(**{name: _mean(getattr(each, name) for each in found) for name in names})


def _join_joint(records: Sequence[ScorecardRecord]) -> JointTelling | None:
    views = [record.joint for record in records if record.joint is not None]
    if len(views) < len(records):
        return None
    return JointTelling(auc=_mean(view.auc for view in views), control=_mean_known(view.control for view in views))


def _join_utility(cards: Sequence[Scorecard]) -> AccuracyKept:
    return AccuracyKept(
        value=_mean(card.utility.product for card in cards),
        retain_ratio=_mean(card.utility.retain_ratio for card in cards),
        test_ratio=_mean(card.utility.test_ratio for card in cards),
    )


def _join_accuracies(records: Sequence[ScorecardRecord]) -> PoolAccuracies:
    def join(pick: Callable[[PoolAccuracies], SplitAccuracies]) -> SplitAccuracies:
        parts = [pick(record.accuracy) for record in records]
        names = SplitAccuracies.model_fields
        return SplitAccuracies(**{name: _mean(getattr(part, name) for part in parts) for name in names})

    return PoolAccuracies(unlearned=join(lambda each: each.unlearned), retrained=join(lambda each: each.retrained))


def _join_epsilons(cards: Cards) -> EpsilonSummary:
    """Of every example of every request the mean over originals; the family of attacks is that of the first."""
    requests = list(zip(*cards, strict=True))

    def join(pick: Callable[[Scorecard], object]) -> list[float]:
        parts = [np.mean([np.asarray(pick(card), np.float64) for card in column], axis=0) for column in requests]
        return [float(value) for value in np.concatenate(parts)]

    buckets, epsilons = cards[0][0].buckets, join(lambda card: card.epsilons.estimate)
    edges = [bucket.low for bucket in buckets]
    places = np.searchsorted(edges, epsilons, side="right") - 1
    return EpsilonSummary(
        edges=tuple(edges),
        points=tuple(bucket.points for bucket in buckets),
        counts=tuple(np.bincount(np.maximum(places, 0), minlength=len(edges)).tolist()),
        median=float(np.median(epsilons)),
        per_example=tuple(epsilons),
        lower=tuple(join(lambda card: card.epsilons.lower)),
        mu=tuple(join(lambda card: card.mu)),
        attack=tuple(str(attack) for card in cards[0] for attack in card.epsilons.attack),
    )


def join_ceilings(ceilings: Sequence[Ceiling]) -> Ceiling:
    """The mean of independent banks': half widths add up as errors do."""
    if len(ceilings) == 1:
        return ceilings[0]
    estimate = _mean(each.estimate for each in ceilings)
    below, above = (
        math.hypot(*widths) / len(ceilings)
        for widths in ([e.estimate - e.low for e in ceilings], [e.high - e.estimate for e in ceilings])
    )
    rest = set(Ceiling.model_fields) - {"estimate", "low", "high"}
    means = {name: _mean_known(getattr(each, name) for each in ceilings) for name in rest}
    return Ceiling(estimate=estimate, low=estimate - below, high=estimate + above, **means)


def join_provenance(parts: Sequence[Provenance]) -> Provenance:
    pools = {kind: join_digests([getattr(part.pool_digests, kind) for part in parts]) for kind in PoolKind}
    manifest = join_digests([part.manifest_digest for part in parts])
    return parts[0].model_copy(update={"manifest_digest": manifest, "pool_digests": PoolDigests(**pools)})


def _join_attacks(requests: Sequence[Sequence[AttackLine]]) -> tuple[AttackLine, ...]:
    names = dict.fromkeys(line.attack for lines in requests for line in lines)
    found = {name: [line for lines in requests for line in lines if line.attack == name] for name in names}
    return tuple(
        AttackLine(
            attack=name,
            won=sum(line.won for line in lines),
            median_epsilon=_mean_known(line.median_epsilon for line in lines),
        )
        for name, lines in found.items()
    )


def join_checks(requests: Sequence[Sequence[FlagCheck]]) -> tuple[FlagCheck, ...]:
    """Of every check the one that is worst, with the request it is of."""
    if len(requests) == 1:
        return tuple(requests[0])
    named = [
        [check.model_copy(update={"detail": f"Request {place}: {check.detail}"}) for check in checks]
        for place, checks in enumerate(requests, start=1)
    ]
    return tuple(max(same, key=_weigh) for same in zip(*named, strict=True))


def _weigh(check: FlagCheck) -> tuple[int, bool, float]:
    """How bad; what could not be measured is the least."""
    severity = SEVERITIES.index(Severity(check.severity)) + 1 if check.severity else 0
    away = 0.0 if check.value is None or check.threshold is None else check.value - check.threshold
    return severity, check.value is not None, away if check.fires == "above" else -away


def join_metrics(requests: Sequence[Sequence[MetricLine]]) -> tuple[MetricLine, ...]:
    return tuple(_join_lines(lines) for lines in zip(*requests, strict=True))


def _join_lines(lines: Sequence[MetricLine]) -> MetricLine:
    """The mean over requests; without a value where one of them has none."""
    if all(line == lines[0] for line in lines):  # what is of the evaluation, such as its seconds, is the same in all
        return lines[0]
    missing = next((line for line in lines if line.value is None), None)
    if missing is not None:
        return missing
    errors = {name: [getattr(line, name) for line in lines] for name in ("standard_error", "retrained_standard_error")}
    return lines[0].model_copy(
        update={
            "value": _mean_known(line.value for line in lines),
            "retrained": _mean_known(line.retrained for line in lines),
            "models": sum(line.models for line in lines),
            "interval": None,
            **{name: None if None in of else math.hypot(*of) / len(of) for name, of in errors.items()},
        }
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _mean_known(values: Iterable[float | None]) -> float | None:
    """None if one is not known."""
    found = list(values)
    known = [value for value in found if value is not None]
    return _mean(known) if len(known) == len(found) else None
