"""KLOM: the binned Kullback-Leibler divergence of margins under unlearned and retrained models.

Three published versions give three different numbers, so each has its own name here and no result says only "KLOM".
Margins are the confidences of `compute_confidence`. Source: docs/metrics.md, section KLOM.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import rel_entr

from evaluator.arrays import MIN_REPLICAS, Floats, Ints, Pool, check_pools, check_vector
from evaluator.compiled import compiled
from evaluator.errors import InvalidPool
from evaluator.intervals import ScoreInterval, Span, compute_interval, count_drawn
from evaluator.metrics.histograms import Reals, compute_edges, count_by_bin

BINS = 20
CLIP = 100.0
FLOOR = 1e-5
NARROW = (np.dtype(np.float16), np.dtype(np.float32))
LEAST_HALVED = 4  # retrained models that can be halved: two on each side
CONTROL_STREAM = 3  # streams 1 and 2 draw the other two pools
SATURATED = float(-np.log(FLOOR))  # 11.51: the most the floor lets any version say


def klom(unlearned: Pool, retrained: Pool) -> Floats:
    """KLOM as published in 2026: KL(unlearned || retrained) on 20 shared bins, lower is better.

    unlearned, retrained: (R, N) margins; the same N, R >= 2 in each. Bins are made in the dtype of the margins
    (the wider one, if they differ), since float32 edges put values elsewhere than float64 edges.
    Returns (N,) float64 in nats, >= 0 up to rounding and at most 11.51. The largest value of both pools is in no
    bin; an example whose unlearned margins are all the largest value has 0, as published.
    Raises InvalidPool if a margin is not finite or the shapes disagree. Source: docs/metrics.md, KLOM.

    >>> klom([[0.0], [1.0], [9.0]], [[0.0], [1.0], [10.0]]).round(3).tolist()
    [3.201]
    """
    left, right, dtype = _check(unlearned, retrained)
    shares, others = _share_bins(_clip(left), _clip(right), dtype)
    return _divide_unnormalised(shares, others)


def klom_b25(unlearned: Pool, retrained: Pool) -> Floats:
    """KLOM as executed by the 2025 version: KL(retrained || unlearned), both normalised after the floor.

    unlearned, retrained: (R, N) margins. Returns (N,) float64 nats. Where the published code divides 0 by 0 (every
    retrained margin is the largest value), the answer is 11.51, the most it can say. Raises as klom does.
    Source: docs/metrics.md, KLOM.
    """
    left, right, dtype = _check(unlearned, retrained)
    others, shares = _share_bins(_clip(left), _clip(right), dtype)
    floored = np.where(shares > 0, np.maximum(others, FLOOR), others)
    return _divide_normalised(shares, floored)


def klom_d24(unlearned: Pool, retrained: Pool) -> Floats:
    """KLOM of the 2024 version: KL(unlearned || retrained) on 19 bins and one always empty, floor on every bin.

    unlearned, retrained: (R, N) margins; only the unlearned ones are clipped. Returns (N,) float64 nats. Where the
    published code divides 0 by 0: 0 if all margins are one value, else 11.51. Raises as klom does.
    Source: docs/metrics.md, KLOM.
    """
    left, right, dtype = _check(unlearned, retrained)
    left = _clip(left)
    low, high = _find_range(left, right)
    with np.errstate(over="ignore"):
        if not np.isfinite(high - low).all():
            raise InvalidPool("retrained margins so far apart that their range is not finite; this version clips none")
    edges = compute_edges(low.astype(dtype), high.astype(dtype), BINS - 1)
    counts = [count_by_bin(pool, edges) for pool in (left, right)]
    shares, others = (_normalise(np.concatenate([np.zeros((len(low), 1)), count], axis=1)) for count in counts)
    empty = ~others.any(axis=1)
    divergence = _divide_normalised(shares, np.maximum(others, FLOOR))
    divergence[empty] = SATURATED
    divergence[low == high] = 0.0
    return divergence


def klom_oracle_bins(unlearned: Pool, retrained: Pool) -> Floats:
    """Our own guarded version: bins that no unlearned model can move. Not comparable with the published ones.

    unlearned, retrained: (R, N) margins, clipped to [-100, 100]. 20 equal bins over the retrained margins of the
    example, its largest value in the last one, and one open bin on either side; then as klom. Returns (N,) float64
    nats, at most 11.51. Raises as klom does. Source: docs/metrics.md, KLOM.
    """
    left, right, _ = _check(unlearned, retrained)
    left, right = _clip(left), _clip(right)
    low, high = right.min(axis=0), right.max(axis=0)
    edges = compute_edges(low, np.where(low == high, low + 1, high), BINS)
    edges[:, -1] = np.nextafter(high, np.inf, dtype=high.dtype)
    shares, others = (_normalise(_count_with_outside(pool, edges)) for pool in (left, right))
    return _divide_unnormalised(shares, others)


VARIANTS = {function.__name__: function for function in (klom, klom_b25, klom_d24, klom_oracle_bins)}


@dataclass(frozen=True, slots=True)
class KlomExcess:
    """klom over its noise floor: (N,) nats each, excess = value - floor, near 0 for perfect unlearning."""

    excess: Floats
    value: Floats
    floor: Floats
    unlearned_replicas: int
    retrained_replicas: int


def klom_excess(
    unlearned: Pool, retrained: Pool, *, control: Pool | None = None, splits: int = 8, seed: int = 0
) -> KlomExcess:
    """klom minus what a pool of retrained models scores at the same size: the bias of the bins taken off.

    unlearned, retrained: (R, N) margins. control: (R, N) margins of a second bank of retrained models, as many as
    there are unlearned ones. Without it the retrained pool is halved, `splits` times at random, and as many
    unlearned models as a half holds are compared with one half, the other half being the control; the answer then
    is one for that smaller number of models, which the result states.
    Raises InvalidPool as klom does, or if there are too few models. Source: docs/metrics.md, KLOM.
    """
    _check(unlearned, retrained)
    left, right = np.asarray(unlearned), np.asarray(retrained)
    if control is not None:
        _check(control, retrained)
        bank = np.asarray(control)
        if len(bank) != len(left):
            raise InvalidPool(f"the floor needs as many control as unlearned models: {len(bank)} and {len(left)}")
        return _subtract(klom(left, right), klom(bank, right), len(left), len(right))
    half = min(len(right) // 2, len(left))
    if half < LEAST_HALVED // 2 or splits < 1:
        raise InvalidPool("a noise floor needs four retrained and two unlearned models, and one split")
    rng = np.random.default_rng(seed)
    values, floors = np.zeros(left.shape[1]), np.zeros(left.shape[1])
    for _ in range(splits):
        models, order = rng.permutation(len(left))[:half], rng.permutation(len(right))
        reference = right[order[half : 2 * half]]
        values += klom(left[models], reference) / splits
        floors += klom(right[order[:half]], reference) / splits
    return _subtract(values, floors, half, half)


@dataclass(frozen=True, slots=True)
class KlomSummary:
    """Mean and 95th percentile over examples, in nats; the percentile is what the papers print."""

    mean: float
    p95: float


def summarise_klom(values: Floats) -> KlomSummary:
    """Mean and 95th percentile (linear between order statistics) of (N,) values of any version.

    Raises InvalidPool if there are none or one is not finite.
    """
    checked = check_vector(values, "KLOM values")
    return KlomSummary(mean=float(checked.mean()), p95=float(np.percentile(checked, 95)))


def compute_klom_interval(
    unlearned: Pool, retrained: Pool, *, variant: str = "klom", resamples: int = 32, level: float = 0.95, seed: int = 0
) -> ScoreInterval:
    """Interval of the mean over examples, by drawing models of both pools without replacement.

    unlearned, retrained: (R, N) margins; variant: a name of VARIANTS. The estimand is what fresh pools of the same
    sizes give on average for these examples: KLOM depends on the number of models. A bootstrap would repeat models
    and so fill the same bins twice. Raises InvalidPool for an unknown variant, else as klom does.
    Source: docs/metrics.md, KLOM.
    """
    if variant not in VARIANTS:
        raise InvalidPool(f"there is no KLOM version {variant!r}: {', '.join(VARIANTS)}")
    _check(unlearned, retrained)
    left, right = np.asarray(unlearned), np.asarray(retrained)
    compute = VARIANTS[variant]

    def rescore(models: Ints, others: Ints) -> float:
        return float(compute(left[models], right[others]).mean())

    sizes = (len(left), len(right))
    estimate = float(compute(left, right).mean())
    return compute_interval(estimate, rescore, sizes=sizes, resamples=resamples, level=level, seed=seed)


def compute_klom_excess_interval(
    unlearned: Pool,
    retrained: Pool,
    *,
    control: Pool | None = None,
    splits: int = 8,
    resamples: int = 32,
    level: float = 0.95,
    seed: int = 0,
) -> ScoreInterval:
    """Interval of the mean excess over examples, the noise floor's own uncertainty included.

    Pools (R, N) and splits as for klom_excess. Unlearned, retrained and control models are all drawn anew for every
    part, and value and floor are compared with the same part of the retrained pool: its noise cancels as far as it
    does in the excess itself. The estimand is the mean excess over fresh pools of these sizes; it may be negative.
    Raises InvalidPool as klom_excess does. Source: docs/metrics.md, KLOM.
    """
    found = klom_excess(unlearned, retrained, control=control, splits=splits, seed=seed)
    left, right = np.asarray(unlearned), np.asarray(retrained)
    if control is None and count_drawn(len(right)) < LEAST_HALVED:
        return ScoreInterval(-math.inf, math.inf, level, math.inf)
    third = np.random.default_rng([seed, CONTROL_STREAM])

    def rescore(models: Ints, others: Ints) -> float:
        bank = None if control is None else np.asarray(control)[third.permutation(len(left))[: len(models)]]
        part = klom_excess(left[models], right[others], control=bank, splits=splits, seed=seed)
        return float(part.excess.mean())

    return compute_interval(
        float(found.excess.mean()),
        rescore,
        sizes=(len(left), len(right)),
        resamples=resamples,
        level=level,
        seed=seed,
        span=Span(least=-math.inf),
    )


def _check(unlearned: Pool, retrained: Pool) -> tuple[Reals, Reals, np.dtype[Any]]:
    """Both pools, checked, and the dtype of the edges; float16 margins come as float32, which holds them all."""
    if not (_is_sound(unlearned) and _is_sound(retrained) and np.shape(unlearned)[1] == np.shape(retrained)[1]):
        check_pools(unlearned, retrained)  # copies both, and says what is wrong
    left, right = np.asarray(unlearned), np.asarray(retrained)
    given = np.result_type(left, right)
    dtype = given if given in NARROW else np.dtype(np.float64)
    wide = np.float64 if dtype == np.float64 else np.float32
    return left.astype(wide, copy=False), right.astype(wide, copy=False), dtype


def _is_sound(pool: Pool) -> bool:
    if not isinstance(pool, np.ndarray) or pool.dtype not in (*NARROW, np.float64) or pool.ndim != 2:
        return False
    return len(pool) >= MIN_REPLICAS and pool.shape[1] > 0 and bool(np.isfinite(pool).all())


def _clip(pool: Reals) -> Reals:
    clipped: Reals = np.clip(pool, -CLIP, CLIP)
    return clipped


def _find_range(left: Reals, right: Reals) -> tuple[Reals, Reals]:
    return np.minimum(left.min(axis=0), right.min(axis=0)), np.maximum(left.max(axis=0), right.max(axis=0))


def _share_bins(left: Reals, right: Reals, dtype: np.dtype[Any]) -> tuple[Floats, Floats]:
    low, high = _find_range(left, right)
    edges = compute_edges(low.astype(dtype), np.where(low == high, low + 1, high).astype(dtype), BINS)
    return _normalise(count_by_bin(left, edges)), _normalise(count_by_bin(right, edges))


def _count_with_outside(pool: Reals, edges: Reals) -> Ints:
    below = (pool < edges[:, 0]).sum(axis=0)
    inside = count_by_bin(pool, edges)
    return np.column_stack([below, inside, len(pool) - below - inside.sum(axis=1)])


def _normalise(counts: Floats | Ints) -> Floats:
    """Frequencies over the counted values; all 0 where nothing was counted."""
    total = counts.sum(axis=1, keepdims=True)
    shares: Floats = counts / np.maximum(total, 1)
    return shares


def _divide_unnormalised(shares: Floats, others: Floats) -> Floats:
    held = shares > 0
    ratio = np.ones_like(shares)
    np.divide(shares, np.maximum(others, FLOOR), out=ratio, where=held)
    return _sum_held(shares * np.log(ratio), held)


def _divide_normalised(shares: Floats, others: Floats) -> Floats:
    """Divergence after normalising both once more, as scipy.stats.entropy does; 11.51 where shares are all 0."""
    defined = shares.any(axis=1)
    first, second = shares[defined], others[defined]
    divergence = np.full(len(shares), SATURATED)
    normal = (values / values.sum(axis=1, keepdims=True) for values in (first, second))
    divergence[defined] = rel_entr(*normal).sum(axis=1)
    return divergence


def _subtract(value: Floats, floor: Floats, unlearned: int, retrained: int) -> KlomExcess:
    return KlomExcess(value - floor, value, floor, unlearned, retrained)


@compiled
def _sum_held(terms: Floats, held: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> Floats:
    """Sum of the held terms of each row, in the order in which numpy sums them once the others are left out.

    Fewer than eight are added one by one; of more, eight running sums are kept and added in pairs. Without that the
    last bits would differ from the published code's.
    """
    rows, columns = terms.shape
    sums = np.zeros(rows)
    kept = np.zeros(columns)
    for row in range(rows):
        size = 0
        for column in range(columns):
            if held[row, column]:
                kept[size] = terms[row, column]
                size += 1
        done = 0
        if size >= 8:
            done = size - size % 8
            for first in range(8, done, 8):
                for lane in range(8):
                    kept[lane] += kept[first + lane]
            sums[row] = ((kept[0] + kept[1]) + (kept[2] + kept[3])) + ((kept[4] + kept[5]) + (kept[6] + kept[7]))
        for position in range(done, size):
            sums[row] += kept[position]
    return sums
