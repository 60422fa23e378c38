"""Everything the evaluator can say about two published pools, as one record; no database, no problem, no models."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator import (
    Attack,
    EpsilonOptions,
    InvalidPool,
    Scorecard,
    ScoredPool,
    ScoringProtocol,
    ScoringSpec,
    compute_epsilons_by_attack,
    score,
)
from evaluator.epsilon import EpsilonEstimates, estimate_epsilons
from evaluator.forgetting import compute_pool_points
from evaluator.logistic import LEAST_FOLDS
from evaluator.metrics.klom import (
    VARIANTS,
    compute_klom_excess_interval,
    compute_klom_interval,
    klom_excess,
    summarise_klom,
)
from evaluator.metrics.ulira import compute_ulira, compute_ulira_intervals
from evaluator.spec import DEFAULT_ATTACKS, HELD_OUT_ATTACKS
from worker.published.literature import Sets, describe_literature
from worker.published.reading import Originals, PublishedPool
from worker.published.record import (
    EpsilonLine,
    Estimate,
    ExcessLine,
    FamilyLine,
    KlomLine,
    KlomTable,
    PoolLine,
    ProtocolLine,
    PublishedScore,
    ScoreEstimate,
    UliraLine,
)
from worker.scorecard.attacks import LARGEST_LOGIT

NOT_STATED = "not stated"
ULIRA_REPLICAS = 4
FLOOR_REPLICAS = 4


@dataclass(frozen=True, slots=True)
class Accuracies:
    """Mean accuracies as fractions; with them the forgetting quality becomes a score."""

    retain_unlearned: float
    test_unlearned: float
    retain_retrained: float
    test_retrained: float

    def of_side(self, place: int) -> tuple[float, float]:
        """Retain and test accuracy; place: 0 for unlearned, 1 for retrained."""
        pairs = ((self.retain_unlearned, self.test_unlearned), (self.retain_retrained, self.test_retrained))
        return pairs[place]


NO_ACCURACIES = Accuracies(1.0, 1.0, 1.0, 1.0)  # a utility of 1: the score is the forgetting quality


@dataclass(frozen=True, slots=True)
class PublishedPools:
    unlearned: PublishedPool
    retrained: PublishedPool
    control: PublishedPool | None = None
    retain: tuple[PublishedPool, PublishedPool] | None = None  # outputs of both on retain examples
    test: tuple[PublishedPool, PublishedPool] | None = None


def score_published(
    pools: PublishedPools,
    *,
    originals: Originals | None,
    protocol: ScoringProtocol = ScoringProtocol.held_out,
    attacks: tuple[Attack, ...] = DEFAULT_ATTACKS,
    accuracies: Accuracies | None = None,
) -> PublishedScore:
    """Score (R, N) pools; attacks: what held_out chooses from. Raises InvalidPool if they cannot be compared.

    Logistic regression weighs all logits of an example, so it needs pools that were made from logits.
    """
    _check_attacks(pools, attacks)
    pools = _make_alike(pools)
    spec = ScoringSpec(protocol=protocol, epsilon=EpsilonOptions(attacks=attacks))
    quality = _score(pools.unlearned, pools.retrained, spec, NO_ACCURACIES)
    control = None if pools.control is None else _score(pools.control, pools.retrained, spec, NO_ACCURACIES)
    return PublishedScore(
        metric_version=spec.metric,
        originals=originals or NOT_STATED,
        pools=_describe_pools(pools),
        examples=quality.examples,
        ranked_by=protocol,
        attacks=spec.epsilon.attacks,
        forgetting_quality=_describe_interval(quality),
        control=None if control is None else _describe_interval(control),
        score=None if accuracies is None else _describe_score(pools, spec, accuracies),
        alone=_describe_families(pools, spec.epsilon),
        protocols={each: _describe_protocol(quality, pools, each) for each in ScoringProtocol},
        klom=_describe_klom(pools),
        u_lira=_describe_ulira(pools),
        literature=describe_literature(*_list_sets(pools, accuracies)),
    )


def _list_sets(pools: PublishedPools, accuracies: Accuracies | None) -> tuple[Sets, Sets]:
    sides = []
    for place, forget in enumerate((pools.unlearned, pools.retrained)):
        retain, test = (pair[place] if pair else None for pair in (pools.retain, pools.test))
        known = (None, None) if accuracies is None else accuracies.of_side(place)
        sides.append(Sets(forget, retain, test, *known))
    return sides[0], sides[1]


def _make_alike(pools: PublishedPools) -> PublishedPools:
    """Where one pool holds margins, all are compared by margins."""
    given = (pools.unlearned, pools.retrained, *([pools.control] if pools.control else []))
    if all(pool.logits is not None for pool in given):
        return pools
    bare = [replace(pool, logits=None) for pool in given]
    return replace(pools, unlearned=bare[0], retrained=bare[1], control=bare[2] if pools.control else None)


def _score(left: PublishedPool, right: PublishedPool, spec: ScoringSpec, known: Accuracies) -> Scorecard:
    return score(
        _give(left, known.retain_unlearned, known.test_unlearned),
        _give(right, known.retain_retrained, known.test_retrained),
        spec=spec,
        protocols=(),
    )


def _give(pool: PublishedPool, retain: float, test: float) -> ScoredPool:
    models = len(pool.confidences)
    return ScoredPool(
        pool.confidences, np.full(models, retain), np.full(models, test), np.ones(models), _find_features(pool)
    )


def _check_attacks(pools: PublishedPools, attacks: tuple[Attack, ...]) -> None:
    if Attack.logistic_regression not in attacks:
        return
    given = (pools.unlearned, pools.retrained, *([pools.control] if pools.control else []))
    for pool in given:
        if pool.logits is None:
            raise InvalidPool(f"{Attack.logistic_regression} weighs the outputs of a model: {pool.place} holds margins")
        if min(len(other.confidences) for other in given) < LEAST_FOLDS:
            raise InvalidPool(f"{Attack.logistic_regression} needs {LEAST_FOLDS} models in every pool")


def _find_features(pool: PublishedPool) -> NDArray[Any] | None:
    """Logits, a wrong class at -inf brought to where the platform puts it."""
    return None if pool.logits is None else np.clip(pool.logits, -LARGEST_LOGIT, LARGEST_LOGIT)


def _describe_pools(pools: PublishedPools) -> dict[str, PoolLine]:
    named = {"unlearned": pools.unlearned, "retrained": pools.retrained, "control": pools.control}
    return {
        name: PoolLine(
            file=pool.place,
            replicas=len(pool.confidences),
            made_from=pool.made_from,
            dtype=str(pool.confidences.dtype),
            originals=pool.originals or NOT_STATED,
        )
        for name, pool in named.items()
        if pool is not None
    }


def _describe_interval(card: Scorecard) -> Estimate:
    found = card.interval
    return Estimate(estimate=card.score, low=found.low, high=_finite(found.high), level=found.level)


def _describe_score(pools: PublishedPools, spec: ScoringSpec, accuracies: Accuracies) -> ScoreEstimate:
    card = _score(pools.unlearned, pools.retrained, spec, accuracies)
    found = card.interval
    return ScoreEstimate(
        estimate=card.score,
        low=found.low,
        high=_finite(found.high),
        level=found.level,
        utility=card.utility.product,
    )


def _finite(value: float) -> float | None:
    """Two models cannot tell how far a score may be off: their interval has no end, and JSON no infinity."""
    return value if np.isfinite(value) else None


def _describe_protocol(card: Scorecard, pools: PublishedPools, protocol: ScoringProtocol) -> ProtocolLine:
    epsilons = card.epsilons if protocol is card.ranked_by else _estimate(pools, protocol, card.spec)
    values = np.asarray(epsilons.estimate)
    return ProtocolLine(
        forgetting_quality=float(compute_pool_points(epsilons).mean()),
        epsilon=EpsilonLine(
            median=float(np.median(values)),
            mean=float(values.mean()),
            p95=float(np.percentile(values, 95)),
            max=float(values.max()),
            per_example=tuple(values.tolist()),
            lower=tuple(np.asarray(epsilons.lower).tolist()),
        ),
        attacks=dict(Counter(str(attack) for attack in epsilons.attack).most_common()),
    )


def _describe_families(pools: PublishedPools, options: EpsilonOptions) -> dict[str, FamilyLine]:
    """Epsilon under held_out had each family been the only one; margins have no features to regress on."""
    both = (pools.unlearned, pools.retrained)
    known = all(pool.logits is not None and len(pool.confidences) >= LEAST_FOLDS for pool in both)
    features = [_find_features(pool) if known else None for pool in both]
    families = tuple(attack for attack in HELD_OUT_ATTACKS if known or attack is not Attack.logistic_regression)
    by_attack = compute_epsilons_by_attack(
        *(pool.confidences for pool in both),
        options=replace(options, attacks=families),
        unlearned_features=features[0],
        retrained_features=features[1],
    )
    return {
        attack: FamilyLine(median=float(np.median(values)), mean=float(values.mean()))
        for attack, values in by_attack.items()
    }


def _estimate(pools: PublishedPools, protocol: ScoringProtocol, spec: ScoringSpec) -> EpsilonEstimates:
    return estimate_epsilons(
        pools.unlearned.confidences,
        pools.retrained.confidences,
        protocol=protocol,
        options=spec.epsilon,
        features=(_find_features(pools.unlearned), _find_features(pools.retrained)),
    )


def _describe_klom(pools: PublishedPools) -> KlomTable:
    return KlomTable(
        **{name: _describe_variant(pools, name) for name in VARIANTS},
        klom_excess=_describe_excess(pools),
    )


def _describe_variant(pools: PublishedPools, name: str) -> KlomLine:
    unlearned, retrained = pools.unlearned.confidences, pools.retrained.confidences
    values = VARIANTS[name](unlearned, retrained)
    found, summary = compute_klom_interval(unlearned, retrained, variant=name), summarise_klom(values)
    return KlomLine(
        mean=summary.mean,
        p95=summary.p95,
        mean_low=found.low,
        mean_high=_finite(found.high),
        level=found.level,
        per_example=tuple(values.tolist()),
    )


def _describe_excess(pools: PublishedPools) -> ExcessLine | None:
    """Over the noise floor of the control bank, cut to as many models as are unlearned, or of the retrained halves."""
    unlearned, retrained = pools.unlearned.confidences, pools.retrained.confidences
    control = None if pools.control is None else pools.control.confidences
    if control is None and (len(retrained) < FLOOR_REPLICAS or len(unlearned) < FLOOR_REPLICAS // 2):
        return None
    if control is not None:
        models = min(len(unlearned), len(control))
        unlearned, control = unlearned[:models], control[:models]
    found = klom_excess(unlearned, retrained, control=control)
    interval = compute_klom_excess_interval(unlearned, retrained, control=control)
    excess, floor = summarise_klom(found.excess), summarise_klom(found.floor)
    return ExcessLine(
        mean=excess.mean,
        p95=excess.p95,
        mean_low=_finite(interval.low),
        mean_high=_finite(interval.high),
        level=interval.level,
        floor_mean=floor.mean,
        floor_p95=floor.p95,
        floor_from="halves of the retrained pool" if control is None else "the control pool",
        unlearned_replicas=found.unlearned_replicas,
        retrained_replicas=found.retrained_replicas,
        per_example=tuple(found.excess.tolist()),
    )


def _describe_ulira(pools: PublishedPools) -> UliraLine | None:
    unlearned, retrained = pools.unlearned.confidences, pools.retrained.confidences
    if min(len(unlearned), len(retrained)) < ULIRA_REPLICAS:
        return None
    found, ends = compute_ulira(unlearned, retrained), compute_ulira_intervals(unlearned, retrained)
    return UliraLine(
        accuracy_low=ends.accuracy.low,
        auc_low=ends.auc.low,
        true_positive_rate_low=ends.true_positive_rate.low,
        accuracy_high=_finite(ends.accuracy.high),
        auc_high=_finite(ends.auc.high),
        true_positive_rate_high=_finite(ends.true_positive_rate.high),
        level=ends.accuracy.level,
        accuracy=found.mean_accuracy,
        auc=found.mean_auc,
        true_positive_rate=found.true_positive_rate,
        false_positive_rate=found.false_positive_rate,
        per_example=tuple(found.accuracy.tolist()),
    )
