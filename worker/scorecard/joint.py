"""The joint view of an entry, beside that of the control bank."""

import numpy as np
import numpy.typing as npt

from core.scorecard import Ceiling, FlagCheck, JointTelling
from evaluator import InvalidPool, Likeness
from evaluator.fingerprints import compute_fingerprints
from evaluator.flags import FlagCode, check_joint, skip
from evaluator.joint import JointView, compute_joint_view
from worker.replicas.outputs import ModelOutputs
from worker.scorecard.flags import describe_check


def measure_joint(outputs: ModelOutputs, retrained: ModelOutputs) -> JointView | None:
    """How well all stored outputs tell one model of each pool apart; None where there are too few models."""
    try:
        return compute_joint_view(_list_outputs(outputs), _list_outputs(retrained))
    except InvalidPool:
        return None


def describe_joint(view: JointView | None, ceiling: Ceiling) -> JointTelling | None:
    return None if view is None else JointTelling(auc=view.auc, control=ceiling.joint_auc)


def check_joint_view(view: JointView | None, likeness: Likeness | None, ceiling: Ceiling) -> FlagCheck:
    """The check of joint laws: made where single examples look retrained."""
    parts = (ceiling.forgetting_quality, ceiling.test_quality, ceiling.retain_quality)
    known = [part for part in parts if part is not None]
    if view is None or likeness is None or len(known) < len(parts):
        return describe_check(skip(FlagCode.joint_law, "There are too few models, or another protocol ranks."))
    return describe_check(check_joint(view, likeness.least, usual=min(known)))


def _list_outputs(outputs: ModelOutputs) -> npt.NDArray[np.float64]:
    prints = compute_fingerprints(outputs.forget_logits, outputs.retain_confidence)
    return np.concatenate([prints, outputs.test_confidence], axis=1)
