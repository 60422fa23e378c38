"""How far the predicted distributions of two sets of models are apart on the forget set: D_KL, JS, ZRF, entropy."""

from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluator.arrays import Floats
from evaluator.errors import InvalidPool

LOG_EPSILON = 1e-20  # inside every logarithm of D_KL, as in its source
Divergence = Callable[[Floats, Floats], Floats]  # of distributions (N, K), per example


def compute_entropy(logits: ArrayLike) -> Floats:
    """Entropy of each predicted distribution.

    logits: (..., K), any floating dtype; -inf allowed, nan and +inf not. Returns (...) float64 nats in [0, ln K].
    Raises InvalidPool if a logit is nan or +inf, or all K of a distribution are -inf.
    Source: docs/metrics.md §4.

    >>> compute_entropy([[0.0, 0.0]]).round(4).tolist()
    [0.6931]
    """
    scores = _check_logits(logits).astype(np.float64)
    scores -= scores.max(axis=-1, keepdims=True)
    odds = np.exp(scores)
    total = odds.sum(axis=-1)
    scores[odds == 0] = 0.0  # a class at -inf adds 0 · ln 0 = 0
    entropy: Floats = np.maximum(np.log(total) - (odds * scores).sum(axis=-1) / total, 0.0)
    return entropy


def compute_kl(unlearned: ArrayLike, retrained: ArrayLike) -> Floats:
    """KL(retrained ‖ unlearned), the mean over the forget set, model i paired with retrained model i.

    unlearned, retrained: (R, N, K) and (R', N, K) logits; returns (min(R, R'),) float64 nats.
    Raises InvalidPool if the shapes disagree or a logit is nan or +inf.
    Source: docs/metrics.md §4, SFR-on's D_KL: mean of Σ p (ln(p + 1e-20) - ln(q + 1e-20)).

    >>> import numpy as np
    >>> compute_kl(np.log([[[0.5, 0.5]]]), np.log([[[0.25, 0.75]]])).round(4).tolist()
    [0.1308]
    """
    return _compare(unlearned, retrained, lambda ours, theirs: _kl(theirs, ours))


def compute_js(unlearned: ArrayLike, retrained: ArrayLike) -> Floats:
    """Jensen–Shannon divergence, the mean over the forget set, model i paired with retrained model i.

    unlearned, retrained: (R, N, K) and (R', N, K) logits; returns (min(R, R'),) float64 nats in [0, ln 2].
    Raises InvalidPool if the shapes disagree or a logit is nan or +inf.
    Source: docs/metrics.md §4: ½ KL(p ‖ m) + ½ KL(q ‖ m) with m = (p + q) / 2.

    >>> import numpy as np
    >>> compute_js(np.log([[[0.5, 0.5]]]), np.log([[[0.25, 0.75]]])).round(4).tolist()
    [0.0338]
    """
    return _compare(unlearned, retrained, _js)


def compute_zrf(unlearned: ArrayLike, untrained: ArrayLike) -> Floats:
    """Zero-retrain forgetting: 1 - JS between a model's outputs and those of a randomly initialised network.

    unlearned: (R, N, K) logits; untrained: (S, N, K) logits of networks that were never trained; model i is compared
    with network i mod S. Returns (R,) float64 in [1 - ln 2, 1]. Raises InvalidPool as compute_js does.
    Source: docs/metrics.md §4.

    >>> import numpy as np
    >>> compute_zrf(np.log([[[0.5, 0.5]]]), np.log([[[0.25, 0.75]]])).round(4).tolist()
    [0.9662]
    """
    models, networks = _check_pair(unlearned, untrained)
    return 1.0 - _average(zip(models, cycle(networks), strict=False), _js)


def _compare(left: ArrayLike, right: ArrayLike, divergence: Divergence) -> Floats:
    ours, theirs = _check_pair(left, right)
    return _average(zip(ours, theirs, strict=False), divergence)


def _average(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]], divergence: Divergence) -> Floats:
    # One model at a time: all of them at once, in float64, would be gigabytes for a large problem.
    return np.array([divergence(_softmax(ours), _softmax(theirs)).mean() for ours, theirs in pairs], dtype=np.float64)


def _kl(p: Floats, q: Floats) -> Floats:
    terms: Floats = (p * (np.log(p + LOG_EPSILON) - np.log(q + LOG_EPSILON))).sum(axis=-1)
    return terms


def _js(p: Floats, q: Floats) -> Floats:
    """Through the entropies: JS = H(m) - ½ H(p) - ½ H(q); three logarithms instead of four."""
    mixed: Floats = _entropy(0.5 * (p + q)) - 0.5 * (_entropy(p) + _entropy(q))
    return np.maximum(mixed, 0.0)


def _entropy(p: Floats) -> Floats:
    positive = np.where(p > 0, p, 1.0)
    entropy: Floats = -(p * np.log(positive)).sum(axis=-1)
    return entropy


def _softmax(logits: NDArray[Any]) -> Floats:
    scores = logits.astype(np.float64)
    odds: Floats = np.exp(scores - scores.max(axis=-1, keepdims=True))
    odds /= odds.sum(axis=-1, keepdims=True)
    return odds


def _check_pair(left: ArrayLike, right: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    ours, theirs = _check_stack(left, "first"), _check_stack(right, "second")
    if ours.shape[1:] != theirs.shape[1:]:
        raise InvalidPool(f"the logits disagree on examples or classes: {ours.shape[1:]} and {theirs.shape[1:]}")
    return ours, theirs


def _check_stack(logits: ArrayLike, name: str) -> NDArray[Any]:
    array = _check_logits(logits)
    if array.ndim != 3 or 0 in array.shape:
        raise InvalidPool(f"the {name} logits must be (models, examples, classes), got shape {array.shape}")
    return array


def _check_logits(logits: ArrayLike) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.asarray(logits)
    except ValueError as error:
        raise InvalidPool("the logits are not a rectangular array") from error
    if array.dtype.kind not in "fiu" or array.ndim == 0 or array.shape[-1] < 2:
        raise InvalidPool(f"logits must be real numbers of two classes or more, got {array.dtype} {array.shape}")
    if np.isnan(array).any() or np.isposinf(array).any() or np.isneginf(array).all(axis=-1).any():
        raise InvalidPool("logits hold nan, +inf, or an example whose logits are all -inf")
    return array
