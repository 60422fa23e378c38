"""Regions of confidence chosen on training folds and counted on the fold left out.

Every row is one (example, split seed, fold). `gain` is the pool whose mass should be large inside the region,
`cost` the pool whose mass should be small; the caller tries both ways round.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.arrays import Floats, Ints
from evaluator.spec import Attack
from evaluator.splits import Counts, Folds

Masses = NDArray[np.float32]

# Pseudo-counts of the choice, by freedom of the family: a family that can fit noise must show more models.
SHRINKAGE = {Attack.half_line: 2.0, Attack.likelihood_ratio: 2.0, Attack.interval: 8.0, Attack.complement: 8.0}
ATTACKS = tuple(SHRINKAGE)
RATIO_LEVELS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
LEVELS_PER_FLOOR = 2


@dataclass(slots=True)
class Choice:
    """The best region of every row so far: its training merit and what it held on the fold left out."""

    merit: Floats
    gain: Ints
    gain_size: Ints
    cost: Ints
    cost_size: Ints
    attack: Ints  # index into ATTACKS

    @classmethod
    def nothing(cls, rows: int) -> "Choice":
        zeros = [np.zeros(rows, np.int64) for _ in range(5)]
        return cls(np.full(rows, -np.inf), *zeros)

    def improve(self, other: "Choice") -> None:
        """Take the other region wherever its training merit is strictly larger."""
        better = other.merit > self.merit
        for name in self.__slots__:
            np.copyto(getattr(self, name), getattr(other, name), where=better)


@dataclass(frozen=True, slots=True)
class Rows:
    """Counts below every position, training and left out, one row per (example, split seed, fold)."""

    gain_train: Counts  # (rows, M + 1)
    cost_train: Counts
    gain_held: Counts
    cost_held: Counts
    previous_cut: Ints  # (E, M + 1)
    next_cut: Ints

    @classmethod
    def make(cls, gain: Counts, cost: Counts, cuts: tuple[Ints, Ints]) -> "Rows":
        last = gain.shape[-1]
        held = (gain.reshape(-1, last), cost.reshape(-1, last))
        gain_train, cost_train = (
            (counts.sum(axis=2, keepdims=True) - counts).reshape(-1, last) for counts in (gain, cost)
        )
        return cls(gain_train, cost_train, *held, *cuts)

    @property
    def per_example(self) -> int:
        return len(self.gain_train) // len(self.next_cut)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Positions where the cost pool's training mass crosses each level, and both counts there.

    `early` is the first cut with at least the level below it, `late` the last cut with at most the level:
    a region between an early and a late cut holds as much of the gain pool as its cost allows.
    """

    early: Ints  # (rows, J + 1)
    late: Ints
    gain_early: Masses
    gain_late: Masses
    cost_early: Masses
    cost_late: Masses


def choose_cut_regions(rows: Rows, alpha: float) -> Choice:
    """Best half-line, interval and complement of an interval, with cuts at multiples of alpha / 2 of the cost pool."""
    cuts = _find_level_cuts(rows, round(LEVELS_PER_FLOOR / alpha))
    levels = cuts.early.shape[1]
    left, right = np.triu_indices(levels)
    first, last = np.zeros(levels, np.int64), np.full(levels, levels - 1)
    every = np.arange(levels)
    choice = _choose(rows, cuts, (first, every), Attack.half_line, alpha)
    choice.improve(_choose(rows, cuts, (every, last), Attack.half_line, alpha))
    choice.improve(_choose(rows, cuts, (left, right), Attack.interval, alpha))
    choice.improve(_choose(rows, cuts, (left, right), Attack.complement, alpha))
    return choice


def _find_level_cuts(rows: Rows, levels: int) -> Cuts:
    count, width = rows.cost_train.shape
    sizes = rows.cost_train[:, -1:].astype(np.int64)
    targets = np.round(np.linspace(0.0, 1.0, levels + 1) * sizes).astype(np.int64)
    # One search over all rows: counts ascend within a row, and the offset keeps the rows apart.
    offset = np.arange(count)[:, None] * (width + 1)
    flat, wanted = (rows.cost_train + offset).ravel(), (targets + offset).ravel()
    start = np.arange(count)[:, None] * width
    first = np.searchsorted(flat, wanted, side="left").reshape(targets.shape) - start
    final = np.searchsorted(flat, wanted, side="right").reshape(targets.shape) - 1 - start
    example = np.repeat(np.arange(rows.next_cut.shape[0]), rows.per_example)[:, None]
    early, late = rows.next_cut[example, first], rows.previous_cut[example, final]
    gain_early, gain_late, cost_early, cost_late = (
        np.take_along_axis(counts, at, axis=1).astype(np.float32)
        for counts in (rows.gain_train, rows.cost_train)
        for at in (early, late)
    )
    return Cuts(early, late, gain_early, gain_late, cost_early, cost_late)


def _choose(rows: Rows, cuts: Cuts, pairs: tuple[Ints, Ints], attack: Attack, alpha: float) -> Choice:
    """The pair of cuts of largest merit in every row, for one family."""
    left, right = pairs
    gain_size, cost_size = (c[:, -1:].astype(np.float32) for c in (rows.gain_train, rows.cost_train))
    if attack is Attack.complement:
        gain = gain_size - _mass_between(cuts.gain_late[:, left], cuts.gain_early[:, right])
        cost = cost_size - _mass_between(cuts.cost_late[:, left], cuts.cost_early[:, right])
    else:
        gain = _mass_between(cuts.gain_early[:, left], cuts.gain_late[:, right])
        cost = _mass_between(cuts.cost_early[:, left], cuts.cost_late[:, right])
    merit = compute_merit((gain, gain_size), (cost, cost_size), attack, alpha)
    best = merit.argmax(axis=1)
    row = np.arange(best.size)
    low, high = (cuts.late, cuts.early) if attack is Attack.complement else (cuts.early, cuts.late)
    start, stop = low[row, left[best]], high[row, right[best]]
    stop = np.maximum(start, stop)
    gain_held, cost_held = (_count_between(c, start, stop, attack) for c in (rows.gain_held, rows.cost_held))
    return Choice(
        merit[row, best].astype(np.float64),
        gain_held,
        rows.gain_held[:, -1].astype(np.int64),
        cost_held,
        rows.cost_held[:, -1].astype(np.int64),
        np.full(best.size, ATTACKS.index(attack)),
    )


def _mass_between(start: Masses, stop: Masses) -> Masses:
    """Models between two cuts, none where ties or one shared level put the cuts in reverse order."""
    mass: Masses = stop - start
    return np.maximum(mass, 0, out=mass)


def _count_between(below: Counts, start: Ints, stop: Ints, attack: Attack) -> Ints:
    row = np.arange(start.size)
    inside = (below[row, stop] - below[row, start]).astype(np.int64)
    return below[:, -1] - inside if attack is Attack.complement else inside


def compute_merit(gain: tuple[Masses, Masses], cost: tuple[Masses, Masses], attack: Attack, alpha: float) -> Masses:
    """Shrunk mass ratio of (count, size) pairs; the cost counts as at least alpha."""
    extra = np.float32(SHRINKAGE[attack])
    gain_mass = (gain[0] + extra) / (gain[1] + 2 * extra)
    cost_mass = (cost[0] + extra) / (cost[1] + 2 * extra)
    merit = gain_mass / np.maximum(cost_mass, np.float32(alpha))
    return merit.astype(np.float32, copy=False)


def choose_ratio_regions(gain: Floats, cost: Floats, folds: Folds, alpha: float) -> Choice:
    """Best super-level set of the likelihood ratio of two Gaussians fitted on the training folds.

    gain, cost: (E, R) values; folds.unlearned belongs to gain, folds.retrained to cost.
    """
    gain_train, cost_train = (_training_mask(f, folds.count) for f in (folds.unlearned, folds.retrained))
    gain_score, cost_score = _fit_log_ratio(gain, cost, gain_train, cost_train)
    rows = gain.shape[0] * gain_train.shape[0]
    gain_size, cost_size = (np.tile(m.sum(axis=1), gain.shape[0]) for m in (gain_train, cost_train))
    ranked = np.sort(np.where(cost_train, cost_score, -np.inf), axis=2)
    choice = Choice.nothing(rows)
    for level in RATIO_LEVELS:
        keep = np.maximum(np.round(level * alpha * cost_train.sum(axis=1)).astype(np.int64), 1)
        at = (ranked.shape[2] - np.minimum(keep, cost_train.sum(axis=1)))[None, :, None]
        threshold = np.take_along_axis(ranked, np.broadcast_to(at, (*ranked.shape[:2], 1)), axis=2)
        counts = [
            ((score >= threshold) & mask).sum(axis=2).ravel()
            for score, train in ((gain_score, gain_train), (cost_score, cost_train))
            for mask in (train, ~train)
        ]
        masses = [part.astype(np.float32) for part in (counts[0], gain_size, counts[2], cost_size)]
        merit = compute_merit((masses[0], masses[1]), (masses[2], masses[3]), Attack.likelihood_ratio, alpha)
        held = (counts[1], gain.shape[1] - gain_size, counts[3], cost.shape[1] - cost_size)
        attack = np.full(rows, ATTACKS.index(Attack.likelihood_ratio))
        choice.improve(Choice(merit.astype(np.float64), *held, attack))
    return choice


def _training_mask(fold: Ints, count: int) -> NDArray[np.bool_]:
    """(S, R) folds to (S * K, R): is the model in training when fold k is left out."""
    mask: NDArray[np.bool_] = fold[:, None, :] != np.arange(count)[:, None]
    return mask.reshape(-1, fold.shape[1])


def _fit_log_ratio(
    gain: Floats, cost: Floats, gain_train: NDArray[np.bool_], cost_train: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Log of the fitted ratio, up to a constant, at every model of both pools: (E, S * K, R)."""
    both = np.concatenate([gain, cost], axis=1)
    centre, spread = both.mean(axis=1, keepdims=True), both.std(axis=1, keepdims=True)
    spread = np.where(spread > 0, spread, 1.0)
    gain, cost = (gain - centre) / spread, (cost - centre) / spread
    gain_mean, gain_variance = _fit_gaussian(gain, gain_train)
    cost_mean, cost_variance = _fit_gaussian(cost, cost_train)
    square = 0.5 / cost_variance - 0.5 / gain_variance
    linear = gain_mean / gain_variance - cost_mean / cost_variance
    gain_at, cost_at = gain[:, None, :], cost[:, None, :]
    return (square * gain_at + linear) * gain_at, (square * cost_at + linear) * cost_at


def _fit_gaussian(values: Floats, train: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    weight = train.T.astype(np.float64)
    size = weight.sum(axis=0)
    mean = values @ weight / size
    variance = (values**2) @ weight / size - mean**2
    return mean[:, :, None], np.maximum(variance, 1e-8)[:, :, None]
