"""Single numbers made of several metrics: Avg. Gap, Avg.D and Sum."""

import math
from dataclasses import astuple, dataclass

from evaluator.errors import InvalidPool


@dataclass(frozen=True, slots=True)
class Percents:
    """Means over a pool, all in percent."""

    unlearning: float  # UA; FA is 100 - UA
    retain: float  # RA
    test: float  # TA
    mia_eff: float
    mia_sfr: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) and 0 <= value <= 100 for value in astuple(self)):
            raise InvalidPool(f"the metrics that are averaged must be percents in [0, 100], got {self}")


def compute_avg_gap(unlearned: Percents, retrained: Percents) -> float:
    """Avg. Gap: the mean of the absolute differences in UA, MIA-eff, RA and TA, in percent points; lower is better.

    Source: docs/metrics.md §5, SalUn and UGradSL.

    >>> compute_avg_gap(Percents(5, 100, 92, 14, 0), Percents(6, 100, 94, 13, 0))
    1.0
    """
    pairs = (
        (unlearned.unlearning, retrained.unlearning),
        (unlearned.mia_eff, retrained.mia_eff),
        (unlearned.retain, retrained.retain),
        (unlearned.test, retrained.test),
    )
    return sum(abs(ours - theirs) for ours, theirs in pairs) / len(pairs)


def compute_avg_d(unlearned: Percents, retrained: Percents) -> float:
    """Avg.D: the mean of the absolute differences in FA, RA, TA and MIA-sfr, in percent points; lower is better.

    Source: docs/metrics.md §5, SFR-on.

    >>> compute_avg_d(Percents(5, 100, 92, 0, 70), Percents(6, 100, 94, 0, 75))
    2.0
    """
    pairs = (
        (100 - unlearned.unlearning, 100 - retrained.unlearning),
        (unlearned.retain, retrained.retain),
        (unlearned.test, retrained.test),
        (unlearned.mia_sfr, retrained.mia_sfr),
    )
    return sum(abs(ours - theirs) for ours, theirs in pairs) / len(pairs)


def compute_sum(unlearned: Percents) -> float:
    """Sum: UA + MIA-eff + RA + TA, in [0, 400]; higher is better.

    Source: docs/metrics.md §5, UGradSL's complete unlearning.

    >>> compute_sum(Percents(5, 100, 92, 14, 0))
    211
    """
    return unlearned.unlearning + unlearned.mia_eff + unlearned.retain + unlearned.test
