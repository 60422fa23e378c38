"""What no region of a single example shows: the joint view of an entry, and values that clump."""

import numpy as np
import numpy.typing as npt

from core.scorecard import Ceiling, FlagCheck, JointTelling
from evaluator import InvalidPool, Likeness, ScoredPool
from evaluator.fingerprints import compute_fingerprints
from evaluator.flags import FlagCode, check_clumped, check_joint, skip
from evaluator.joint import JointView, compute_joint_view
from evaluator.neighbours import compute_clumping
from worker.replicas.outputs import ModelOutputs
from worker.scorecard.flags import describe_check


def measure_joint(outputs: ModelOutputs, retrained: ModelOutputs) -> JointView | None:
    """How well all stored outputs tell one model of each pool apart; None where there are too few models."""
    try:
        return compute_joint_view(_list_outputs(outputs), _list_outputs(retrained))
    except InvalidPool:
        return None


def measure_clumping(unlearned: ScoredPool, retrained: ScoredPool) -> float | None:
    """The largest of the three sets of examples; None where the pools hold no more than one."""
    names = ("confidences", "test_confidences", "retain_confidences")
    pairs = [(getattr(unlearned, name), getattr(retrained, name)) for name in names]
    known = [(left, right) for left, right in pairs if left is not None and right is not None]
    return max(compute_clumping(left, right) for left, right in known) if len(known) == len(pairs) else None


def describe_joint(view: JointView | None, ceiling: Ceiling) -> JointTelling | None:
    return None if view is None else JointTelling(auc=view.auc, control=ceiling.joint_auc)


def check_unseen(
    view: JointView | None, clumping: float | None, likeness: Likeness | None, ceiling: Ceiling
) -> tuple[FlagCheck, ...]:
    """The checks for what no region of a single example shows, made where single examples look retrained."""
    usual = _find_usual(ceiling)
    if likeness is None or usual is None:
        missing = "Another protocol ranks, which says nothing of test and retain examples."
        return tuple(describe_check(skip(code, missing)) for code in (FlagCode.joint_law, FlagCode.clumped_values))
    joint = skip(FlagCode.joint_law, "There are too few models to fit anything on some and judge others.")
    if view is not None:
        joint = check_joint(view, likeness.least, usual=usual)
    clumped = skip(FlagCode.clumped_values, "There are no outputs beside the forget set.")
    if clumping is not None:
        clumped = check_clumped(clumping, likeness.least, usual=usual)
    return describe_check(joint), describe_check(clumped)


def _find_usual(ceiling: Ceiling) -> float | None:
    """Points of the control bank where they are least; None if it was not compared on every set."""
    parts = (ceiling.forgetting_quality, ceiling.test_quality, ceiling.retain_quality)
    known = [part for part in parts if part is not None]
    return min(known) if len(known) == len(parts) else None


def _list_outputs(outputs: ModelOutputs) -> npt.NDArray[np.float64]:
    prints = compute_fingerprints(outputs.forget_logits, outputs.retain_confidence)
    return np.concatenate([prints, outputs.test_confidence], axis=1)
