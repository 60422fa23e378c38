"""Logistic regressions of one feature, one for each model, all fitted at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from evaluator.arrays import Floats

MAX_STEPS = 100
TOLERANCE = 1e-7  # of the gradient, relative to the number of examples
SMALLEST_STEP = 2.0**-20
ROUNDING = 1e-12  # of the loss: near the minimum a good step may seem to raise it by this much
RIDGE = 1e-12  # keeps the intercept's curvature above 0 where every example is decided
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rules:
    """Model r predicts True for x above the line slope[r] · x + intercept[r] > 0."""

    slope: Floats  # (R,)
    intercept: Floats  # (R,)

    def predict(self, features: Floats) -> Mask:
        """features: (R, n), any unit; returns (R, n) predictions."""
        return np.asarray(self.slope[:, None] * features + self.intercept[:, None] > 0)


def fit_rules(features: Floats, labels: Mask, *, balanced: bool) -> Rules:
    """Minimise ½ slope² + Σ weight · log loss for each row, by Newton's method: scikit-learn's default at C = 1.

    features: (R, n) finite; labels: (n,), both present. balanced: weight each label by n / (2 · its count).
    """
    weights = np.ones(labels.size)
    if balanced:
        weights = np.where(labels, 0.5 * labels.size / labels.sum(), 0.5 * labels.size / (~labels).sum())
    # The intercept has no penalty, so centring changes nothing but the conditioning.
    centre = features.mean(axis=1)
    rule = _descend(features - centre[:, None], labels.astype(np.float64), weights)
    return Rules(rule.slope, rule.intercept - rule.slope * centre)


def _descend(x: Floats, y: Floats, weights: Floats) -> Rules:
    rule = Rules(np.zeros(len(x)), np.zeros(len(x)))
    loss = _loss(rule, x, y, weights)
    for _ in range(MAX_STEPS):
        direction, gradient = _newton(rule, x, y, weights)
        if gradient < TOLERANCE * y.size:
            break
        rule, loss = _search(rule, direction, loss, (x, y, weights))
    return rule


def _newton(rule: Rules, x: Floats, y: Floats, weights: Floats) -> tuple[Rules, float]:
    """The step to the minimum of the local parabola, and the largest gradient entry of all models."""
    chance = expit(rule.slope[:, None] * x + rule.intercept[:, None])
    residual = weights * (chance - y)
    curvature = weights * chance * (1 - chance)
    slope = rule.slope + np.einsum("rn,rn->r", residual, x)
    intercept = residual.sum(axis=1)
    weighted = curvature * x
    a, b = 1 + np.einsum("rn,rn->r", weighted, x), weighted.sum(axis=1)
    c = curvature.sum(axis=1) + RIDGE
    determinant = a * c - b * b
    step = Rules((b * intercept - c * slope) / determinant, (b * slope - a * intercept) / determinant)
    return step, float(max(np.abs(slope).max(), np.abs(intercept).max()))


def _search(rule: Rules, direction: Rules, loss: Floats, data: tuple[Floats, Floats, Floats]) -> tuple[Rules, Floats]:
    """Halve the step of every model whose loss it would raise."""
    share = np.ones(len(loss))
    while True:
        tried = Rules(rule.slope + share * direction.slope, rule.intercept + share * direction.intercept)
        found = _loss(tried, *data)
        worse = ~(found <= loss + ROUNDING * np.abs(loss))
        if not worse.any():
            return tried, found
        share = np.where(worse, 0.5 * share, share)
        share[share < SMALLEST_STEP] = 0.0


def _loss(rule: Rules, x: Floats, y: Floats, weights: Floats) -> Floats:
    margin = np.where(y > 0, 1.0, -1.0) * (rule.slope[:, None] * x + rule.intercept[:, None])
    total: Floats = 0.5 * rule.slope**2 + np.logaddexp(0.0, -margin) @ weights
    return total
