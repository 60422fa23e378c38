"""What a run costs beside a yardstick of the same minutes, and whether that is decidedly over the budget.

A yardstick is a short, fixed piece of retraining. What slows a machine slows it and the runs around it alike, so their
ratio stays; a calibration tied it once to a full retraining.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import stdtrit

from evaluator.errors import InvalidPool
from evaluator.runtime import RelativeRuntime

LEAST_BLOCKS = 2
GATE_ALPHA = 0.01  # chance of ever calling a run over the budget that is not, over all looks together
EXTRA_LOOKS = 8  # at more measurements of a run whose replicas are all done and that is still undecided


class Standing(StrEnum):
    """Where a cost stands to the budget."""

    over = "over"
    under = "under"
    undecided = "undecided"


@dataclass(frozen=True, slots=True)
class Block:
    """Seconds, by one clock, of one yardstick and of the runs around it."""

    entry: float  # mean of the runs
    entries: int
    yardstick: float
    idle: float  # of a run that does nothing, of the same minutes

    @property
    def is_usable(self) -> bool:
        """False where a clock stood still, jumped or gave no number, or the yardstick took no time of its own."""
        seconds = (self.entry, self.yardstick, self.idle)
        return self.entries > 0 and all(map(math.isfinite, seconds)) and min(seconds) >= 0 < self.yardstick - self.idle


@dataclass(frozen=True, slots=True)
class Ratio:
    """Seconds of a run over those of a yardstick, start taken off both, and the standard error of that."""

    estimate: float
    error: float
    degrees: float  # of freedom behind the error


@dataclass(frozen=True, slots=True)
class Noise:
    """How much one yardstick's seconds tell from the next one's: the machine's own noise, whatever an entry does."""

    variance: float  # of the logarithm of one yardstick
    degrees: float


def measure_noise(groups: Sequence[Sequence[float]]) -> Noise:
    """Half the mean square of successive differences, within each group of yardsticks, of the log of their seconds.

    groups: seconds, start taken off, in the order in which they ran; what is not above 0 is passed over.
    Slow drift hardly counts, as in the pairs. Two thirds of the differences are degrees of freedom, as they overlap.
    Raises InvalidPool if no group has two.
    Source: von Neumann et al., The mean square successive difference, Annals of Mathematical Statistics 12 (1941).
    """
    logs = (np.log([seconds for seconds in group if seconds > 0]) for group in groups)
    steps = np.concatenate([np.diff(each) for each in logs] or [np.empty(0)])
    if steps.size == 0:
        raise InvalidPool("noise needs two yardsticks in one box")
    return Noise(float(np.mean(steps**2)) / 2, max(1.0, 2 * steps.size / 3))


def compute_ratio(blocks: Sequence[Block], *, idle_error: float = 0.0, noise: Noise | None = None) -> Ratio:
    """Seconds of all that ran over those of the yardsticks it ran beside.

    blocks: usable ones, at least 2; each weighs as many as its runs, so a slow minute counts in both sums alike.
    idle_error: standard error of the idle runs' mean, in seconds; it vanishes where a run costs what a yardstick does.
    noise: of the machine. The error is a ratio estimator's, from what the blocks differ by, and with `noise` no more
    than that of measuring these very runs: an entry whose runs differ gains no width by that.
    Returns the ratio, >= 0, with its standard error.
    Raises InvalidPool if there are too few blocks, or one is not usable.
    Source: docs/metric.md §10; Cochran, Sampling Techniques, 3rd edition, §6.3.

    >>> compute_ratio([Block(3.0, 4, 2.0, 1.0), Block(5.0, 4, 3.0, 1.0)]).estimate
    2.0
    """
    if len(blocks) < LEAST_BLOCKS or not all(block.is_usable for block in blocks):
        raise InvalidPool(f"a ratio needs at least {LEAST_BLOCKS} blocks of finite seconds, idle < yardstick")
    weight = np.array([block.entries for block in blocks], dtype=float)
    top = weight * np.array([block.entry - block.idle for block in blocks])
    bottom = weight * np.array([block.yardstick - block.idle for block in blocks])
    ratio = float(top.sum() / bottom.sum())
    residuals = top - ratio * bottom
    spread = math.sqrt(len(blocks) / (len(blocks) - 1) * float(residuals @ residuals)) / float(bottom.sum())
    degrees = float(len(blocks) - 1)
    if noise is not None:
        parts = ratio * bottom * np.sqrt(noise.variance * (1 + 1 / weight))
        measured = math.sqrt(float(parts @ parts)) / float(bottom.sum())
        spread, degrees = min((spread, degrees), (measured, noise.degrees))
    shared = abs(1 - ratio) * idle_error * float(weight.sum() / bottom.sum())
    return Ratio(max(ratio, 0.0), math.hypot(spread, shared), degrees)


def combine_ratios(ratios: Sequence[Ratio]) -> Ratio:
    """Independent measurements of one ratio, each weighted by the inverse of its variance; at least one.

    >>> combine_ratios([Ratio(1.0, 0.3, 9), Ratio(2.0, 0.3, 9)]).estimate
    1.5
    """
    if not ratios:
        raise InvalidPool("there is no ratio to combine")
    exact = [ratio for ratio in ratios if ratio.error == 0]
    if exact:
        return Ratio(float(np.mean([ratio.estimate for ratio in exact])), 0.0, exact[0].degrees)
    weights = np.array([ratio.error**-2.0 for ratio in ratios])
    estimates, degrees = (np.array([getattr(ratio, name) for ratio in ratios]) for name in ("estimate", "degrees"))
    return Ratio(float(weights @ estimates / weights.sum()), float(weights.sum() ** -0.5), float(degrees.sum()))


def compute_paired_runtime(run: Ratio, retraining: Ratio, *, alpha: float) -> RelativeRuntime:
    """Cost of a run as a fraction of a retraining, each measured beside yardsticks of one kind.

    run, retraining: ratios to the yardstick; the retraining's error is in the interval too.
    alpha: chance, in (0, 0.5), that the truth lies below `low`; the same above `high`.
    Returns the estimate with one-sided bounds by Student's t (degrees of freedom by Welch and Satterthwaite), >= 0.
    Raises InvalidPool if alpha is out of range or a retraining took no time.
    Source: docs/metric.md §10.

    >>> compute_paired_runtime(Ratio(0.5, 0.0, 9), Ratio(10.0, 0.0, 9), alpha=0.01).estimate
    0.05
    """
    if not 0 < alpha < 0.5:
        raise InvalidPool(f"alpha must be in (0, 0.5), got {alpha}")
    if not retraining.estimate > 0:
        raise InvalidPool("retraining must take time")
    cost = run.estimate / retraining.estimate
    parts = (run.error / retraining.estimate, cost * retraining.error / retraining.estimate)
    error = math.hypot(*parts)
    width = _find_quantile(parts, (run.degrees, retraining.degrees), alpha) * error
    return RelativeRuntime(cost, max(cost - width, 0.0), cost + width, 1 - 2 * alpha)


def find_standing(runtime: RelativeRuntime, budget: float) -> Standing:
    """Decide by the bounds: over only if all of the interval is above the budget, under if none of it is."""
    if runtime.low > budget:
        return Standing.over
    return Standing.under if runtime.high <= budget else Standing.undecided


def settle(run: Ratio) -> Ratio:
    """What may become of a ratio that is measured on and on: two standard errors more, and known exactly.

    Where even that leaves a cost undecided, the error of the retraining does, and more runs would not end it.
    """
    return Ratio(run.estimate + 2 * run.error, 0.0, run.degrees)


def split_alpha(*, shards: int, is_last: bool, earlier: int = 0) -> float:
    """Share of GATE_ALPHA for one look, so that all looks together err no more often (Bonferroni).

    shards: how many the replicas were cut into, >= 1; all but the last look at them share one part.
    is_last: all replicas are done: that look and each of EXTRA_LOOKS more have a part of their own.
    earlier: evaluations of the same entry whose measurements are used again; each halves what is left to err.
    """
    part = math.ldexp(GATE_ALPHA / (2 + EXTRA_LOOKS), -earlier)
    return part if is_last else part / max(shards, 1)


def _find_quantile(parts: tuple[float, float], degrees: tuple[float, float], alpha: float) -> float:
    """Of Student's t; without any error its degrees of freedom do not matter."""
    variances = [part**2 for part in parts]
    if sum(variances) == 0:
        return 0.0
    freedom = sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, degrees, strict=True))
    return float(stdtrit(freedom, 1 - alpha))
