"""Epsilon with the attack chosen on some models and judged on others: what boards rank by."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from evaluator.arrays import Floats, Ints
from evaluator.regions import ATTACKS, Choice, Rows, choose_cut_regions, choose_ratio_regions
from evaluator.spec import Attack, EpsilonOptions
from evaluator.splits import Folds, count_by_fold, draw_folds

CHUNK_VALUES = 1_500_000


@dataclass(frozen=True, slots=True)
class HeldOutCounts:
    """What the chosen regions held on models they were not chosen on, pooled over folds: (N, S) each."""

    gain: Ints
    gain_size: Ints
    cost: Ints
    cost_size: Ints
    attack: tuple[Attack, ...]  # (N,) the family chosen most often


def compute_held_out_counts(unlearned: Floats, retrained: Floats, options: EpsilonOptions) -> HeldOutCounts:
    """Choose a region per example, split seed and fold on the other folds of both (R, N) pools; count it there."""
    sizes = (unlearned.shape[0], retrained.shape[0])
    folds = draw_folds(
        *sizes,
        count=min(options.folds, *sizes),
        split_seeds=options.split_seeds,
        seed=options.seed,
    )
    parts = [
        _count_chunk(left, right, folds, options.alpha) for left, right in _chunks(unlearned.T, retrained.T, folds)
    ]
    shape = (unlearned.shape[1], folds.split_seeds, folds.count)
    gain, gain_size, cost, cost_size = (
        np.concatenate([getattr(part, name) for part in parts]).reshape(shape).sum(axis=2)
        for name in ("gain", "gain_size", "cost", "cost_size")
    )
    families = np.concatenate([part.attack for part in parts]).reshape(shape[0], -1)
    votes = (families[:, :, None] == np.arange(len(ATTACKS))).sum(axis=1)
    return HeldOutCounts(gain, gain_size, cost, cost_size, tuple(ATTACKS[k] for k in votes.argmax(axis=1)))


def _chunks(unlearned: Floats, retrained: Floats, folds: Folds) -> Iterator[tuple[Floats, Floats]]:
    """Both pools as (E, R) blocks whose fold counts stay in the processor's cache."""
    pooled = unlearned.shape[1] + retrained.shape[1]
    size = max(1, CHUNK_VALUES // (2 * folds.count * folds.split_seeds * pooled))
    for start in range(0, unlearned.shape[0], size):
        yield (
            np.ascontiguousarray(unlearned[start : start + size]),
            np.ascontiguousarray(retrained[start : start + size]),
        )


def _count_chunk(unlearned: Floats, retrained: Floats, folds: Folds, alpha: float) -> Choice:
    counts = count_by_fold(unlearned, retrained, folds)
    cuts = (counts.previous_cut, counts.next_cut)
    choice = choose_cut_regions(Rows.make(counts.unlearned, counts.retrained, cuts), alpha)
    choice.improve(choose_cut_regions(Rows.make(counts.retrained, counts.unlearned, cuts), alpha))
    choice.improve(choose_ratio_regions(unlearned, retrained, folds, alpha))
    choice.improve(choose_ratio_regions(retrained, unlearned, folds.swapped(), alpha))
    return choice


def compute_estimates(counts: HeldOutCounts, alpha: float) -> Floats:
    """(N,) smoothed log ratio of the pooled counts, averaged over split seeds, at least 0: docs/metric.md §6."""
    gain = np.log((counts.gain + 1) / (counts.gain_size + 2))
    cost = np.log(np.maximum((counts.cost + 1) / (counts.cost_size + 2), alpha))
    estimates: Floats = np.maximum((gain - cost).mean(axis=1), 0.0)
    return estimates


def compute_lower_bounds(counts: HeldOutCounts, alpha: float, confidence: float) -> Floats:
    """(N,) lower confidence bound of epsilon_alpha: Clopper-Pearson on both masses, median over split seeds.

    Each side gets a quarter of the error: half for the two sides, half again because a median of p-values,
    doubled, is a p-value (Meinshausen, Meier and Buehlmann 2009).
    """
    error = (1 - confidence) / 4
    with np.errstate(divide="ignore"):
        gain = np.log(_bound_mass(counts.gain, counts.gain_size, error))
        cost = np.log(np.maximum(1 - _bound_mass(counts.cost_size - counts.cost, counts.cost_size, error), alpha))
        lower = np.asarray(np.median(gain - cost, axis=1), dtype=np.float64)
    return np.maximum(lower, 0.0, out=lower)


def _bound_mass(hits: Ints, size: Ints, error: float) -> Floats:
    """Clopper-Pearson lower bound of a mass."""
    bound = np.array(betaincinv(np.maximum(hits, 1), size - hits + 1, error), dtype=np.float64)
    bound[hits == 0] = 0.0
    return bound


def compute_separable_estimate(unlearned: int, retrained: int, alpha: float) -> float:
    """The estimate of two pools that share no value: the largest the protocol can show for these sizes."""
    return float(
        max(
            np.log((gain + 1) / (gain + 2)) - np.log(max(1 / (cost + 2), alpha))
            for gain, cost in ((unlearned, retrained), (retrained, unlearned))
        )
    )
