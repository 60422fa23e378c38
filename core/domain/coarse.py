"""Numbers of a run as coarse as `core.domain.exposure` wants them for a participant of a hidden problem."""

import math
from collections.abc import Sequence
from datetime import datetime

BUCKETS = 5
TWENTIETHS = 20


def round_figure(value: float) -> float:
    """Two digits: decimals up to one, significant ones above."""
    return round(value, 2) if abs(value) <= 1 else float(f"{value:.2g}")


def round_up_share(share: float, budget: float) -> float:
    """The upper end of its bucket: quarters of the budget, and one bucket for all above it."""
    if budget <= 0:
        return 0.0
    quarter = min(max(math.ceil(share / budget * (BUCKETS - 1) - 1e-9), 1), BUCKETS)
    return round(budget * quarter / (BUCKETS - 1), 6)


def begin_share(share: float, budget: float) -> float:
    """The lower end of the bucket that ends at `share`."""
    return round(share - budget / (BUCKETS - 1), 6)


def round_down_count(finished: int, total: int) -> int:
    """Of five equal parts those that are whole; the last one is told by the verdict alone."""
    return min(BUCKETS * finished // max(total, 1), BUCKETS - 1) * total // BUCKETS


def begin_minute(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(second=0, microsecond=0)


def round_counts(counts: Sequence[int]) -> tuple[int, ...]:
    """Each to twentieths of them all."""
    total = sum(counts)
    return tuple(round(TWENTIETHS * count / max(total, 1)) * total // TWENTIETHS for count in counts)
