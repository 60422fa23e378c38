"""The joint view: how well one model is told from another by all of its outputs at once.

Two laws may agree on every single example and still differ: models may be copies of a few, or answer together. Each
model is one vector; a ridge regression with a kernel is fitted on some models and ranks others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats, Ints, check_pools
from evaluator.errors import InvalidPool

FOLDS = 5
REPEATS = 4  # partitions into folds
RIDGE = 1.0  # where the kernel's mean diagonal is 1


@dataclass(frozen=True, slots=True)
class JointView:
    """Area under the ROC curve, 0.5 for one law and 1 for two that one look tells apart, and its spread for one law."""

    auc: float
    null_spread: float  # standard deviation of `auc` where both pools are of one law, docs/metric.md §11


def compute_joint_view(unlearned: ArrayLike, retrained: ArrayLike, *, seed: int = 0) -> JointView:
    """Cross-validated AUC of telling an unlearned from a retrained model by all outputs.

    unlearned, retrained: (R, F) and (R', F) outputs, each model a row; R and R' may differ, at least 5 of each.
    Outputs are centred and scaled to unit spread over all models; one that never varies is left out. The kernel is
    a Gaussian of two models' distance, as wide as the median distance, centred.
    The AUC is averaged over 5 folds, each model ranked by a fit without its fold, and over 4 partitions.
    Raises InvalidPool if there are fewer models, a value is not finite or the outputs are of other sizes.
    Source: docs/metric.md §11, *The joint view*.

    >>> compute_joint_view([[0.0]] * 10, [[1.0]] * 10).auc
    1.0
    """
    left, right = check_pools(unlearned, retrained)
    if min(len(left), len(right)) < FOLDS:
        raise InvalidPool(f"a joint view needs {FOLDS} models in each pool, got {len(left)} and {len(right)}")
    spread = compute_null_spread(len(left), len(right))
    kernel = make_kernel(np.concatenate([left, right]))
    if kernel is None:
        return JointView(0.5, spread)
    target = np.concatenate([np.full(len(left), 1 / len(left)), np.full(len(right), -1 / len(right))])
    rng = np.random.default_rng(seed)
    folds = [np.concatenate([rng.permutation(len(pool)) % FOLDS for pool in (left, right)]) for _ in range(REPEATS)]
    found = [_judge(kernel, target, part == fold) for part in folds for fold in range(FOLDS)]
    return JointView(float(np.mean(found)), spread)


def compute_null_spread(unlearned: int, retrained: int) -> float:
    """Of an AUC of so many models of one law: the rank statistic's, widened for fits that share models."""
    return float(1.5 * np.sqrt((unlearned + retrained + 1) / (12 * unlearned * retrained)))


def make_kernel(outputs: Floats) -> Floats | None:
    """(M, M) kernel of (M, F) outputs, centred, its mean diagonal 1; None if no two models differ."""
    centred = outputs - outputs.mean(axis=0)
    scale = centred.std(axis=0)
    varies = scale > 0
    if not varies.any():
        return None
    units = centred[:, varies] / scale[varies]
    products = units @ units.T
    own = np.diagonal(products)
    squares = np.maximum(own[:, None] + own[None] - 2 * products, 0)
    typical = float(np.median(squares[np.triu_indices(len(squares), 1)])) or float(squares.max())
    near = np.exp(-squares / typical)
    kernel: Floats = near - near.mean(axis=0) - near.mean(axis=1, keepdims=True) + near.mean()
    return kernel / (float(np.trace(kernel)) / len(kernel))


def compute_auc(scores: Floats, is_first: Ints | Floats) -> float:
    """Chance that a model of the first kind, (M,) above 0, has the higher of the (M,) scores; ties count half."""
    first, second = np.sort(scores[is_first > 0]), np.sort(scores[is_first <= 0])
    below = np.searchsorted(second, first, side="left") + np.searchsorted(second, first, side="right")
    return float(below.sum() / (2 * len(first) * len(second)))


def _judge(kernel: Floats, target: Floats, held: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    train = ~held
    wanted = target[train] - target[train].mean()
    weights = np.linalg.solve(kernel[np.ix_(train, train)] + RIDGE * np.eye(int(train.sum())), wanted)
    return compute_auc(kernel[np.ix_(held, train)] @ weights, target[held])
