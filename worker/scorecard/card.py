"""From stored outputs to the scorecard the board, the page and the CLI show."""

import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.errors import PlatformFault
from core.domain.pools import PoolKind
from core.problems import EvaluationPart
from core.storage import BlobStore
from evaluator import (
    METRIC_VERSION,
    Attack,
    EpsilonOptions,
    Scorecard,
    ScoredPool,
    ScoringProtocol,
    ScoringSpec,
    compute_control,
    is_over_budget,
    score,
)
from evaluator.intervals import INTERVAL_VERSION
from worker.problems import LoadedProblem
from worker.replicas.measurement import compute_forget_confidence
from worker.replicas.outputs import ModelOutputs
from worker.report.examples import ExampleDetail, describe_examples, is_open
from worker.report.plots import plot_steps
from worker.report.pool_plots import plot_pool_grid
from worker.scorecard.attacks import describe_attacks
from worker.scorecard.cost import RetrainCost, RunSeconds
from worker.scorecard.flags import FlagFacts, find_flags
from worker.scorecard.metrics import describe_metrics
from worker.training.pools import Pool

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "safetensors", "lacuna")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Where a run happened and what it cost."""

    evaluation_id: str
    spec_digest: str
    source_digest: str
    sandbox: str
    node_class: str
    run: RunSeconds
    retrain: RetrainCost | None
    checks: FlagFacts = field(default_factory=FlagFacts)


@dataclass(frozen=True, slots=True)
class FinishedScore:
    estimate: float
    low: float
    high: float
    draws: tuple[float, ...]  # the score of parts of both pools, kept beside the scorecard
    relative_runtime: float
    over_budget: bool
    body: dict[str, Any]
    epsilon_svg: str
    confidence_svg: str
    detail: ExampleDetail | None  # of single forget examples; none on hidden problems


def make_scoring_spec(rules: EvaluationPart) -> ScoringSpec:
    """How a problem's entries are scored, by its evaluation part."""
    attacks = tuple(Attack(name) for name in rules.attacks)
    return ScoringSpec(protocol=ScoringProtocol(rules.protocol), epsilon=EpsilonOptions(attacks=attacks))


def find_ceiling(problem: LoadedProblem, pools: Mapping[PoolKind, Pool], store: BlobStore) -> dict[str, Any]:
    """What the control bank scores: computed once for two banks and a metric version, then kept."""
    rules = "-".join([problem.spec.evaluation.protocol, *problem.spec.evaluation.attacks])
    banks = (pools[PoolKind.RETRAINED], pools[PoolKind.CONTROL])
    name = f"ceilings/{'-'.join(bank.digest[:32] for bank in banks)}/{METRIC_VERSION}-{INTERVAL_VERSION}-{rules}"
    digest = store.get_ref(name)
    if digest is not None:
        kept: dict[str, Any] = json.loads(store.get(digest))
        return kept
    retrained, control = (_scored(bank.outputs, problem.splits.forget.y) for bank in banks)
    card = compute_control(retrained, control, spec=make_scoring_spec(problem.spec.evaluation))
    ceiling = {
        "estimate": card.score,
        "low": card.interval.low,
        "high": card.interval.high,
        "corrected": card.corrected,
        "neurips2023": card.under(ScoringProtocol.neurips2023).score,
        "exact": card.under(ScoringProtocol.exact).score,
    }
    store.set_ref(name, store.put(json.dumps(ceiling).encode()))
    return ceiling


def compute_scorecard(
    problem: LoadedProblem,
    outputs: ModelOutputs,
    pools: Mapping[PoolKind, Pool],
    facts: RunFacts,
    store: BlobStore,
) -> FinishedScore:
    """Score one unlearned pool, and draw its two plots."""
    rules = problem.spec.evaluation
    spec = make_scoring_spec(rules)
    labels = problem.splits.forget.y
    retrained = _scored(pools[PoolKind.RETRAINED].outputs, labels)
    unlearned = _scored(outputs, labels)
    card = score(unlearned, retrained, spec=spec)
    runtime = _describe_runtime(facts, rules)
    body = {
        **_describe_score(card),
        "ceiling": find_ceiling(problem, pools, store),
        "accuracy": {"unlearned": _mean_accuracies(unlearned), "retrained": _mean_accuracies(retrained)},
        "relative_runtime": runtime,
        "replicas": {
            "unlearned": card.unlearned_replicas,
            "retrained": card.retrained_replicas,
            "control": pools[PoolKind.CONTROL].size,
            "originals": pools[PoolKind.ORIGINAL].size,
        },
        "provenance": _describe_provenance(problem, pools, facts),
        "attacks": describe_attacks(
            card.epsilons,
            (unlearned.confidences, retrained.confidences),
            (outputs.forget_logits, pools[PoolKind.RETRAINED].outputs.forget_logits),
        ),
        **find_flags(problem, outputs, pools, facts.checks),
        "metrics": describe_metrics(problem, outputs, pools, run=facts.run, retrain=facts.retrain, store=store),
    }
    ours, ideal = np.asarray(unlearned.confidences), np.asarray(retrained.confidences)
    detail = describe_examples(problem, body, ours, ideal, options=spec.epsilon)
    return FinishedScore(
        estimate=card.score,
        low=card.interval.low,
        high=card.interval.high,
        draws=tuple(card.interval.draws),
        relative_runtime=runtime["estimate"],
        over_budget=runtime["over_budget"],
        body=body,
        epsilon_svg=str(plot_steps(body)),
        confidence_svg=str(plot_pool_grid(detail.shown)),
        detail=detail if is_open(problem.spec) else None,
    )


def _scored(outputs: ModelOutputs, labels: npt.NDArray[np.int64]) -> ScoredPool:
    return ScoredPool(
        confidences=compute_forget_confidence(outputs, labels),
        retain_accuracy=outputs.retain_accuracy,
        test_accuracy=outputs.test_accuracy,
        forget_accuracy=outputs.forget_accuracy,
    )


def _describe_score(card: Scorecard) -> dict[str, Any]:
    epsilons = np.asarray(card.epsilons.estimate)
    return {
        "metric_version": card.metric_version,
        "protocol": card.ranked_by.value,
        "score": {
            "estimate": card.score,
            "low": card.interval.low,
            "high": card.interval.high,
            "level": card.interval.level,
            "corrected": card.corrected,
            "standard_error": card.interval.standard_error,
        },
        "protocols": {entry.protocol.value: entry.score for entry in card.protocols},
        "forgetting_quality": card.forgetting_quality,
        "utility": {
            "value": card.utility.product,
            "retain_ratio": card.utility.retain_ratio,
            "test_ratio": card.utility.test_ratio,
        },
        "unlearning_accuracy": card.unlearned_accuracies.unlearning_percent,
        "retain_accuracy": card.unlearned_accuracies.retain_percent,
        "test_accuracy": card.unlearned_accuracies.test_percent,
        "epsilon": {
            "edges": [bucket.low for bucket in card.buckets],
            "points": [bucket.points for bucket in card.buckets],
            "counts": [bucket.examples for bucket in card.buckets],
            "median": float(np.median(epsilons)),
            "per_example": epsilons.tolist(),
            "lower": np.asarray(card.epsilons.lower).tolist(),
            "mu": card.mu.tolist(),
            "attack": [str(attack) for attack in card.epsilons.attack],
        },
    }


def _mean_accuracies(pool: ScoredPool) -> dict[str, float]:
    return {
        "retain": float(np.mean(np.asarray(pool.retain_accuracy))),
        "forget": float(np.mean(np.asarray(pool.forget_accuracy))),
        "test": float(np.mean(np.asarray(pool.test_accuracy))),
    }


def _describe_runtime(facts: RunFacts, rules: EvaluationPart) -> dict[str, Any]:
    """Raise when nothing was calibrated: a score without its cost cannot be gated."""
    if facts.retrain is None:
        raise PlatformFault(f"retraining was never calibrated on nodes of class {facts.node_class}")
    wall, cpu = facts.retrain.compare_both(facts.run)
    gated = facts.retrain.compare(facts.run, rules.gate)
    return {
        "estimate": gated.estimate,
        "low": gated.low,
        "high": gated.high,
        "wall": wall.estimate,
        "cpu": cpu.estimate,
        "gate": rules.gate.value,
        "budget": rules.compute_budget,
        "over_budget": is_over_budget(gated.estimate, rules.compute_budget),
        "seconds_per_replica": float(np.mean(facts.run.wall)),
        "retrain_seconds": facts.retrain.wall_seconds,
    }


def _describe_provenance(problem: LoadedProblem, pools: Mapping[PoolKind, Pool], facts: RunFacts) -> dict[str, Any]:
    """All it takes to recompute the score."""
    return {
        "evaluation_id": facts.evaluation_id,
        "spec_digest": facts.spec_digest,
        "source_digest": facts.source_digest,
        "problem_digest": problem.spec.digest,
        "manifest_digest": problem.manifest.digest,
        "pool_digests": {kind.value: pool.digest for kind, pool in pools.items()},
        "calibrations": list(facts.retrain.evaluation_ids) if facts.retrain else [],
        "sandbox": facts.sandbox,
        "node_class": facts.node_class,
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in LIBRARIES},
    }
