"""From stored outputs to the scorecard the board, the page and the CLI show."""

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.domain.errors import PlatformFault
from core.domain.pools import PoolKind
from core.problem_parts import EvaluationPart
from core.scorecard import (
    AccuracyKept,
    Ceiling,
    EarlyDecision,
    EpsilonSummary,
    MeasuredRuntime,
    MeasuredScore,
    ModelCounts,
    PoolAccuracies,
    PoolDigests,
    ProtocolScores,
    Provenance,
    ScorecardRecord,
    SplitAccuracies,
    SplitLikeness,
)
from core.storage import BlobStore, find_computed
from evaluator import MetricVersion, Scorecard, ScoredPool, ScoringProtocol, compute_control, score
from evaluator.intervals import INTERVAL_VERSION
from evaluator.paired import Standing, find_standing, split_alpha
from evaluator.runtime import RelativeRuntime
from worker.problems import LoadedProblem
from worker.replicas.outputs import ModelOutputs
from worker.replicas.seconds import MeasuredShard, RunSeconds
from worker.scorecard.attacks import describe_attacks
from worker.scorecard.cost import RetrainCost
from worker.scorecard.flags import FlagFacts, find_flags, pick_raised
from worker.scorecard.joint import check_unseen, describe_joint, measure_clumping, measure_joint
from worker.scorecard.metrics import describe_metrics
from worker.scorecard.scored import make_scored_pool, make_scoring_spec
from worker.training.pools import Pool

ACCURACY = "accuracy"  # what a record means that names no share
CEILING_VERSION = 2  # raise it when more is kept of a ceiling
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "safetensors", "lacuna")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Where a run happened, what it cost and how it ended."""

    evaluation_id: str
    spec_digest: str
    source_digest: str
    sandbox: str
    node_class: str
    run: RunSeconds
    retrain: RetrainCost | None
    measured: tuple[MeasuredShard, ...] = ()
    checks: FlagFacts = field(default_factory=FlagFacts)
    decision: EarlyDecision | None = None  # None: all replicas ran
    earlier: int = 0  # evaluations of the same bytes whose measurements are among `measured`
    was_over: bool = False  # and the newest one of the same submission ended over the budget


@dataclass(frozen=True, slots=True)
class FinishedScore:
    """A scorecard, and what is drawn from beside it."""

    record: ScorecardRecord
    draws: tuple[float, ...]  # the score of parts of both pools, kept beside the scorecard
    unlearned: Floats  # (R, N) confidences
    retrained: Floats  # (R', N)
    card: Scorecard
    of_pictures: ScorecardRecord | None = None  # of several requests: the one that single examples are drawn of


def find_ceiling(
    problem: LoadedProblem, pools: Mapping[PoolKind, Pool], store: BlobStore, *, metric: MetricVersion
) -> Ceiling:
    """What the control bank scores: computed once for two banks and a metric version, then kept."""
    rules = "-".join([problem.spec.evaluation.protocol, *problem.spec.evaluation.attacks])
    banks = (pools[PoolKind.RETRAINED], pools[PoolKind.CONTROL])
    versions = f"{metric}-{INTERVAL_VERSION}-{CEILING_VERSION}"
    name = f"ceilings/{'-'.join(bank.digest[:32] for bank in banks)}/{versions}-{rules}"
    if (kept := find_computed(store, name)) is not None:
        return Ceiling.model_validate_json(kept)
    retrained, control = (make_scored_pool(problem, bank.outputs) for bank in banks)
    card = compute_control(retrained, control, spec=make_scoring_spec(problem.spec.evaluation, metric))
    ceiling = Ceiling(
        estimate=card.score,
        low=card.interval.low,
        high=card.interval.high,
        corrected=card.corrected,
        neurips2023=card.under(ScoringProtocol.neurips2023).score,
        exact=card.under(ScoringProtocol.exact).score,
        forgetting_quality=card.forgetting_quality,
        test_quality=card.likeness.test if card.likeness else None,
        retain_quality=card.likeness.retain if card.likeness else None,
        joint_auc=view.auc if (view := measure_joint(banks[1].outputs, banks[0].outputs)) else None,
    )
    store.set_ref(name, store.put(ceiling.model_dump_json().encode()))
    return ceiling


def compute_scorecard(
    problem: LoadedProblem,
    outputs: ModelOutputs,
    pools: Mapping[PoolKind, Pool],
    facts: RunFacts,
    store: BlobStore,
    *,
    metric: MetricVersion,
) -> FinishedScore:
    """Score one unlearned pool."""
    rules = problem.spec.evaluation
    retrained_outputs = pools[PoolKind.RETRAINED].outputs
    retrained, unlearned = (make_scored_pool(problem, part) for part in (retrained_outputs, outputs))
    card = score(unlearned, retrained, spec=make_scoring_spec(rules, metric))
    ceiling = find_ceiling(problem, pools, store, metric=metric)
    view = measure_joint(outputs, retrained_outputs)
    unseen = check_unseen(view, measure_clumping(unlearned, retrained), card.likeness, ceiling)
    checks = (*find_flags(problem, outputs, pools, facts.checks), *unseen)
    record = ScorecardRecord(
        metric_version=card.metric_version,
        protocol=card.ranked_by,
        score=_describe_score(card),
        protocols=_describe_protocols(card),
        forgetting_quality=card.forgetting_quality,
        likeness=_describe_likeness(card),
        joint=describe_joint(view, ceiling),
        utility=_describe_utility(card),
        share=share if (share := problem.kind.targets.share) != ACCURACY else None,
        unlearning_accuracy=card.unlearned_accuracies.unlearning_percent,
        retain_accuracy=card.unlearned_accuracies.retain_percent,
        test_accuracy=card.unlearned_accuracies.test_percent,
        epsilon=_describe_epsilons(card),
        ceiling=ceiling,
        accuracy=PoolAccuracies(unlearned=_mean_accuracies(unlearned), retrained=_mean_accuracies(retrained)),
        relative_runtime=_describe_runtime(facts, rules),
        replicas=_count_models(card, pools),
        provenance=_describe_provenance(problem, pools, facts),
        attacks=describe_attacks(
            card.epsilons,
            (unlearned.confidences, retrained.confidences),
            (outputs.forget_logits, retrained_outputs.forget_logits),
        ),
        flags=pick_raised(checks),
        flag_checks=checks,
        metrics=describe_metrics(problem, outputs, pools, run=facts.run, retrain=facts.retrain, store=store),
        decision=facts.decision,
    )
    return FinishedScore(
        record=record,
        draws=tuple(card.interval.draws),
        unlearned=np.asarray(unlearned.confidences),
        retrained=np.asarray(retrained.confidences),
        card=card,
    )


def _describe_score(card: Scorecard) -> MeasuredScore:
    return MeasuredScore(
        estimate=card.score,
        low=card.interval.low,
        high=card.interval.high,
        level=card.interval.level,
        corrected=card.corrected,
        standard_error=card.interval.standard_error,
    )


def _describe_protocols(card: Scorecard) -> ProtocolScores:
    return ProtocolScores(
        held_out=card.under(ScoringProtocol.held_out).score,
        neurips2023=card.under(ScoringProtocol.neurips2023).score,
        exact=card.under(ScoringProtocol.exact).score,
    )


def _describe_likeness(card: Scorecard) -> SplitLikeness | None:
    if card.likeness is None:
        return None
    found = card.likeness
    return SplitLikeness(forget=found.forget, test=found.test, retain=found.retain, balance=found.balance)


def _describe_utility(card: Scorecard) -> AccuracyKept:
    return AccuracyKept(
        value=card.utility.product, retain_ratio=card.utility.retain_ratio, test_ratio=card.utility.test_ratio
    )


def _describe_epsilons(card: Scorecard) -> EpsilonSummary:
    epsilons = np.asarray(card.epsilons.estimate)
    return EpsilonSummary(
        edges=tuple(bucket.low for bucket in card.buckets),
        points=tuple(bucket.points for bucket in card.buckets),
        counts=tuple(bucket.examples for bucket in card.buckets),
        median=float(np.median(epsilons)),
        per_example=tuple(epsilons.tolist()),
        lower=tuple(np.asarray(card.epsilons.lower).tolist()),
        mu=tuple(card.mu.tolist()),
        attack=tuple(str(attack) for attack in card.epsilons.attack),
    )


def _mean_accuracies(pool: ScoredPool) -> SplitAccuracies:
    return SplitAccuracies(
        retain=float(np.mean(np.asarray(pool.retain_accuracy))),
        forget=float(np.mean(np.asarray(pool.forget_accuracy))),
        test=float(np.mean(np.asarray(pool.test_accuracy))),
    )


def _count_models(card: Scorecard, pools: Mapping[PoolKind, Pool]) -> ModelCounts:
    return ModelCounts(
        unlearned=card.unlearned_replicas,
        retrained=card.retrained_replicas,
        control=pools[PoolKind.CONTROL].size,
        originals=pools[PoolKind.ORIGINAL].size,
    )


def _describe_runtime(facts: RunFacts, rules: EvaluationPart) -> MeasuredRuntime:
    """Raise when nothing was calibrated: a score without its cost cannot be gated."""
    if facts.retrain is None:
        raise PlatformFault(f"retraining was never calibrated on nodes of class {facts.node_class}")
    cost, alpha = facts.retrain, split_alpha(shards=1, is_last=True, earlier=facts.earlier)
    paired = cost.pair(facts.measured, rules.gate, alpha=alpha)
    wall, cpu = cost.pair_both(facts.measured, alpha=alpha) or cost.compare_both(facts.run)
    gated = paired or cost.compare(facts.run, rules.gate)
    return MeasuredRuntime(
        estimate=gated.estimate,
        low=gated.low,
        high=gated.high,
        wall=wall.estimate,
        cpu=cpu.estimate,
        gate=rules.gate,
        clock=facts.run.clock,
        waited=facts.run.waited,
        budget=rules.compute_budget,
        level=gated.level,
        yardsticks=sum(len(shard.yardsticks.cpu) for shard in facts.measured) if paired else 0,
        over_budget=paired is not None and _is_over(paired, rules.compute_budget, was_over=facts.was_over),
        seconds_per_replica=float(np.mean(facts.run.wall)),
        retrain_seconds=facts.retrain.wall_seconds,
    )


def _is_over(runtime: RelativeRuntime, budget: float, *, was_over: bool) -> bool:
    """What is undecided passes, unless it was decided before: a verdict changes only where the bounds say so."""
    standing = find_standing(runtime, budget)
    return standing is Standing.over or (was_over and standing is Standing.undecided)


def _describe_provenance(problem: LoadedProblem, pools: Mapping[PoolKind, Pool], facts: RunFacts) -> Provenance:
    """All it takes to recompute the score."""
    return Provenance(
        evaluation_id=facts.evaluation_id,
        spec_digest=facts.spec_digest,
        source_digest=facts.source_digest,
        problem_digest=problem.spec.digest,
        manifest_digest=problem.manifest.digest,
        pool_digests=PoolDigests(**{kind: pools[kind].digest for kind in PoolKind}),
        calibrations=facts.retrain.evaluation_ids if facts.retrain else (),
        sandbox=facts.sandbox,
        node_class=facts.node_class,
        versions={
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in LIBRARIES},
        },
    )
