"""From stored outputs to what the evaluator scores: the rule by the terms, and which examples are compared."""

import numpy as np
import numpy.typing as npt

from core.domain.errors import PlatformFault
from core.problem_parts import EvaluationPart
from evaluator import Attack, EpsilonOptions, MetricVersion, ScoredPool, ScoringProtocol, ScoringSpec
from worker.problems import LoadedProblem
from worker.replicas.measurement import compute_forget_confidence
from worker.replicas.outputs import ModelOutputs

COMPARED = 512  # test and retain examples; more would change a mean of points by less than its own noise
Places = npt.NDArray[np.int64]


def read_metric(version: str) -> MetricVersion:
    """The metric version that terms name; raises PlatformFault for one that this release cannot compute."""
    try:
        return MetricVersion(version)
    except ValueError:
        known = ", ".join(MetricVersion)
        raise PlatformFault(f"metric version {version!r} cannot be computed by this release, only {known}") from None


def make_scoring_spec(rules: EvaluationPart, metric: MetricVersion) -> ScoringSpec:
    """How a problem's entries are scored, by its evaluation part."""
    attacks = tuple(Attack(name) for name in rules.attacks)
    return ScoringSpec(protocol=ScoringProtocol(rules.protocol), epsilon=EpsilonOptions(attacks=attacks), metric=metric)


def make_scored_pool(problem: LoadedProblem, outputs: ModelOutputs) -> ScoredPool:
    """The pool that is scored; outputs may be of any of the problem's models."""
    splits = problem.splits
    labels = splits.test.y[: outputs.test_confidence.shape[1]]
    alike = choose_test(labels, splits.forget.y) if problem.kind.targets.has_classes else thin(np.arange(len(labels)))
    test = outputs.test_confidence[:, alike]
    retain = outputs.retain_confidence[:, thin(np.arange(outputs.retain_confidence.shape[1]))]
    return ScoredPool(
        confidences=compute_forget_confidence(problem, outputs),
        retain_accuracy=outputs.retain_accuracy,
        test_accuracy=outputs.test_accuracy,
        forget_accuracy=outputs.forget_accuracy,
        test_confidences=test,
        retain_confidences=retain,
    )


def choose_test(labels: npt.NDArray[np.int64], forgotten: npt.NDArray[np.int64]) -> Places:
    """Places of the test examples that forget examples are held against: of their classes, wherever there are any."""
    alike = np.flatnonzero(np.isin(labels, forgotten))
    return thin(alike if len(alike) else np.arange(len(labels)))


def thin(places: Places) -> Places:
    """At most COMPARED of them, evenly spaced."""
    return places[np.linspace(0, len(places) - 1, min(len(places), COMPARED)).round().astype(np.int64)]
