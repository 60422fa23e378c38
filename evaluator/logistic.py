"""Half-lines of the score of a logistic regression on several outputs, such as all logits of a forget example.

Fitted on the training folds. Each of these is scored by a fit that leaves it out as well, and the threshold and its
merit come from those scores: a regression that remembers its models gains nothing by it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from evaluator.arrays import Floats, Ints, check_pool
from evaluator.choices import SHRINKAGE, Choices
from evaluator.errors import InvalidPool
from evaluator.likelihood_ratio import count_levels
from evaluator.spec import Attack
from evaluator.splits import Folds

Features = tuple[Floats, Floats]  # (R, N, F) of the unlearned and of the retrained pool
Mask = NDArray[np.bool_]

RIDGE = 1.0
LEAST_FOLDS = 3
MOST_STEPS = 30
LONGEST_STEP = 4.0
TOLERANCE = 1e-7
CHUNK = 64


@dataclass(frozen=True, slots=True)
class Fit:
    """Score of outputs x: x @ slope + offset, above 0 where the model is more likely unlearned."""

    slope: Floats  # (E, F)
    offset: Floats  # (E,)

    def score(self, outputs: Floats) -> Floats:
        """(E, M) scores of (E, M, F) outputs."""
        scores: Floats = (outputs @ self.slope[:, :, None])[:, :, 0] + self.offset[:, None]
        return scores


def check_features(
    unlearned: ArrayLike | None, retrained: ArrayLike | None, pools: tuple[Floats, Floats]
) -> Features | None:
    """Return both (R, N, F) features as float64, None if neither is given, or raise InvalidPool."""
    if unlearned is None and retrained is None:
        return None
    checked: list[Floats] = []
    for values, pool, name in ((unlearned, pools[0], "unlearned"), (retrained, pools[1], "retrained")):
        array: NDArray[Any] = np.asarray(values)
        if array.ndim != 3 or array.shape[:2] != pool.shape or array.shape[2] == 0:
            raise InvalidPool(f"the {name} features must be {(*pool.shape, 'F')}, got shape {array.shape}")
        flat = check_pool(array.reshape(len(array), -1), f"{name} features")
        checked.append(flat.reshape(*pool.shape, -1))
    if checked[0].shape[2] != checked[1].shape[2]:
        raise InvalidPool(f"the features disagree: {checked[0].shape[2]} unlearned, {checked[1].shape[2]} retrained")
    return checked[0], checked[1]


def choose_logistic_regions(features: Features | None, folds: Folds, alpha: float) -> Choices:
    """Best threshold of the fitted score, per (example, split seed, fold), either way round."""
    if features is None:
        raise InvalidPool("logistic_regression needs unlearned_features and retrained_features")
    if folds.count < LEAST_FOLDS:
        raise InvalidPool(f"logistic_regression needs {LEAST_FOLDS} folds of models, got {folds.count}")
    examples = features[0].shape[1]
    choices = Choices.nothing(1, (examples, folds.split_seeds, folds.count))
    for start in range(0, examples, CHUNK):
        part = slice(start, start + CHUNK)
        outputs = np.concatenate([pool[:, part] for pool in features]).transpose(1, 0, 2).copy()
        for split in range(folds.split_seeds):
            for fold, (inner, held) in enumerate(_score_folds(outputs, folds, split)):
                target = count_levels(folds, alpha)[:, split, fold]
                found = _choose(inner, held, _leave_out(folds, split, fold), target, (len(features[0]), alpha))
                for array, values in zip(choices.arrays(), found.arrays(), strict=True):
                    array[:, part, split, fold] = values[:, :, 0, 0]
    return choices


def _leave_out(folds: Folds, split: int, *left_out: int) -> Mask:
    """(M,) is the model, unlearned ones first, in none of these folds."""
    mask: Mask = ~np.isin(np.concatenate([folds.unlearned[split], folds.retrained[split]]), left_out)
    return mask


def _score_folds(outputs: Floats, folds: Folds, split: int) -> list[tuple[Floats, Floats]]:
    """Per fold left out: (E, M) scores by fits without the model's own fold either, and by the fit on the others."""
    is_unlearned = np.arange(outputs.shape[1]) < folds.unlearned.shape[1]
    outer = [fit_logistic(outputs, is_unlearned, _leave_out(folds, split, fold)) for fold in range(folds.count)]
    inner = [np.zeros(outputs.shape[:2]) for _ in outer]
    for first in range(folds.count):
        for second in range(first):
            fit = fit_logistic(outputs, is_unlearned, _leave_out(folds, split, first, second), outer[first])
            scores = fit.score(outputs)
            for fold, own in ((first, second), (second, first)):
                members = ~_leave_out(folds, split, own)
                inner[fold][:, members] = scores[:, members]
    return list(zip(inner, (fit.score(outputs) for fit in outer), strict=True))


def _choose(inner: Floats, held: Floats, train: Mask, levels: Ints, rule: tuple[int, float]) -> Choices:
    """Merit, held-out gain and cost, and the way round of the best half-line per example."""
    unlearned, alpha = rule
    is_unlearned = np.arange(train.size) < unlearned
    extra = SHRINKAGE[Attack.logistic_regression]
    best = Choices.nothing(1, (len(inner), 1, 1))
    for way, sign in ((0, 1.0), (1, -1.0)):
        is_gain = is_unlearned == (way == 0)
        gain, cost = sign * inner[:, train & is_gain], sign * inner[:, train & ~is_gain]
        descending = np.sort(cost, axis=1)[:, ::-1]
        for level in levels[1 - way]:
            threshold = descending[:, level - 1, None]
            masses = [((part >= threshold).sum(axis=1) + extra) / (part.shape[1] + 2 * extra) for part in (gain, cost)]
            inside = sign * held >= threshold
            counts = [(inside & ~train & side).sum(axis=1) for side in (is_gain, ~is_gain)]
            found = (masses[0] / np.maximum(masses[1], alpha), *counts, np.full(len(inner), way))
            better = found[0] > best.merit[0, :, 0, 0]
            for array, values in zip(best.arrays(), found, strict=True):
                np.copyto(array[0, :, 0, 0], values, where=better)
    return best


def fit_logistic(outputs: Floats, is_unlearned: Mask, train: Mask, start: Fit | None = None) -> Fit:
    """Ridge logistic regression per example by Newton's method: (E, M, F) outputs, (M,) labels and training mask.

    Minimises log loss + RIDGE / 2 * |slope|^2, slope in units of the training models' standard deviation.
    """
    x, label = outputs[:, train], is_unlearned[train].astype(np.float64)
    centre: Floats = np.mean(x, axis=1)
    spread: Floats = np.std(x, axis=1)
    spread[spread == 0] = 1.0
    design = np.concatenate([(x - centre[:, None]) / spread[:, None], np.ones((*x.shape[:2], 1))], axis=2)
    weights = np.zeros((len(x), x.shape[2] + 1))
    if start is not None:
        weights[:, :-1] = start.slope * spread
        weights[:, -1] = start.offset + (start.slope * centre).sum(axis=1)
    ridge = np.full(x.shape[2] + 1, RIDGE)
    ridge[-1] = 1e-6  # the offset is as good as free, and two separable pools still have an optimum
    for _ in range(MOST_STEPS):
        step = _find_step(design, label, weights, ridge)
        weights += step
        if np.abs(step).max() < TOLERANCE:
            break
    slope = weights[:, :-1] / spread
    return Fit(slope, weights[:, -1] - (slope * centre).sum(axis=1))


def _find_step(design: Floats, label: Floats, weights: Floats, ridge: Floats) -> Floats:
    """Newton's step, shortened where it is longer than LONGEST_STEP."""
    chance = expit((design @ weights[:, :, None])[:, :, 0])
    downhill = ((label - chance)[:, None, :] @ design)[:, 0] - ridge * weights
    curvature = (design * (chance * (1 - chance))[:, :, None]).transpose(0, 2, 1) @ design
    step = np.linalg.solve(curvature + np.diag(ridge), downhill[:, :, None])[:, :, 0]
    length = np.linalg.norm(step, axis=1, keepdims=True)
    return np.asarray(step * LONGEST_STEP / np.maximum(length, LONGEST_STEP), np.float64)
