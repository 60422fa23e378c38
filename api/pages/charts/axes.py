"""Scales of the charts: where a value lies on an axis, and which values are written beside it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from api.pages.kit.formats import format_share

SCORE_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
PERCENT_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
MOST_TICKS = 6
TIME_STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 2880, 10080, 20160, 43200, 129600, 525600)
)
LEAST_SPAN = timedelta(minutes=2)
LEAST_DECADE, MOST_DECADE = -4, 2  # a relative runtime of 0.01 % to 10,000 %
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tick:
    """A value written beside an axis, in pixels along it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """`place` gives pixels; what lies outside is drawn at the nearer end."""

    place: Callable[[float], float] = field(compare=False)  # `scale` says the same
    ticks: tuple[Tick, ...]
    scale: str  # the same for a script: kind, the values at both ends, and where these lie


def make_score_axis(highest: float, *, bottom: float, top: float) -> Axis:
    """From 0 to a round number that nothing shown exceeds."""
    step = next((step for step in SCORE_STEPS if highest <= step * (MOST_TICKS - 1)), SCORE_STEPS[-1])
    count = max(math.ceil(round(highest / step, 6)), 1)
    place = _make_place(0.0, count * step, bottom, top)
    digits = 2 if step < 0.1 else 1
    ticks = tuple(Tick(place(each * step), f"{each * step:.{digits}f}") for each in range(count + 1))
    return Axis(place, ticks, f"linear 0 {count * step:g} {bottom:g} {top:g}")


def make_percent_axis(values: list[float], *, start: float, end: float) -> Axis:
    """As close to the values as round numbers allow: accuracies differ by little."""
    low, high = min(values, default=0.0), max(values, default=100.0)
    step = next((step for step in PERCENT_STEPS if (high - low) / step <= MOST_TICKS - 2), PERCENT_STEPS[-1])
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    place = _make_place(first * step, last * step, start, end)
    ticks = tuple(Tick(place(each * step), f"{each * step:g} %") for each in range(first, last + 1))
    return Axis(place, ticks, f"linear {first * step:g} {last * step:g} {start:g} {end:g}")


def make_runtime_axis(values: list[float], *, left: float, right: float) -> Axis:
    """Logarithmic, whole decades: entries spend from a thousandth of a retraining to several of them."""
    logs = [math.log10(value) for value in values if value > 0] or [-1.0]
    first = min(max(math.floor(min(logs)), LEAST_DECADE), MOST_DECADE - 1)
    last = max(min(math.ceil(max(logs)), MOST_DECADE), first + 1)
    along = _make_place(first, last, left, right)

    def place(value: float) -> float:
        return along(math.log10(value) if value > 0 else first)

    ticks = tuple(Tick(along(power), format_share(10.0**power, max(-2 - power, 0))) for power in range(first, last + 1))
    return Axis(place, ticks, f"log {first} {last} {left:g} {right:g}")


def make_time_axis(first: datetime, last: datetime, *, left: float, right: float) -> Axis:
    """Takes seconds since 1970; ticks stand at round times of UTC."""
    end = max(last, first + LEAST_SPAN)
    place = _make_place(first.timestamp(), end.timestamp(), left, right)
    step = next((step for step in TIME_STEPS if (end - first) / step <= MOST_TICKS - 1), TIME_STEPS[-1])
    seconds = step.total_seconds()
    start, stop = math.ceil(first.timestamp() / seconds), math.floor(end.timestamp() / seconds)
    pattern = "%d %b" if step >= DAY else "%H:%M"
    ticks = (datetime.fromtimestamp(each * seconds, UTC) for each in range(start, stop + 1))
    shown = tuple(Tick(place(tick.timestamp()), tick.strftime(pattern)) for tick in ticks)
    return Axis(place, shown, f"linear {first.timestamp():.0f} {end.timestamp():.0f} {left:g} {right:g}")


def _make_place(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    def place(value: float) -> float:
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return round(start + share * (end - start), 1)

    return place
