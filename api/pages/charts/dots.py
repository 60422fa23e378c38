"""Every forget example of a score as a dot: its epsilon upwards, from the worst forgotten to the right."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.pages.charts.axes import Tick
from core.domain.chosen_examples import choose_ranks

LEFT, RIGHT, TOP, BOTTOM = 48.0, 622.0, 14.0, 226.0
BUCKET = 0.5  # nats: the points halve with each
LEAST = 3.0  # nats that the axis shows at least
MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    rank: int  # from 1, the worst forgotten
    epsilon: float


@dataclass(frozen=True, slots=True)
class Dots:
    count: int
    worst: float
    best: float
    ticks: tuple[Tick, ...]
    shown: tuple[Dot, ...]  # those that are kept whole
    crowd: str  # all others as one path


def draw_dots(epsilons: Sequence[float] | None) -> Dots | None:
    if not epsilons:
        return None
    ordered = sorted(epsilons, reverse=True)
    top = max(LEAST, ordered[0])
    step = BUCKET
    while top / step > MOST_TICKS:
        step *= 2
    chosen = set(choose_ranks(len(ordered)))
    dots = [_place(rank, epsilon, len(ordered), top) for rank, epsilon in enumerate(ordered)]
    others = (f"M{dot.x:.0f} {dot.y:.0f}h0" for rank, dot in enumerate(dots) if rank not in chosen)
    return Dots(
        count=len(ordered),
        worst=ordered[0],
        best=ordered[-1],
        ticks=tuple(Tick(_climb(step * each, top), f"{step * each:g}") for each in range(int(top / step) + 1)),
        shown=tuple(dot for rank, dot in enumerate(dots) if rank in chosen),
        crowd="".join(dict.fromkeys(others)),
    )


def _place(rank: int, epsilon: float, count: int, top: float) -> Dot:
    share = rank / max(count - 1, 1)
    return Dot(round(LEFT + share * (RIGHT - LEFT), 1), _climb(epsilon, top), rank + 1, epsilon)


def _climb(epsilon: float, top: float) -> float:
    return round(BOTTOM - min(max(epsilon / top, 0.0), 1.0) * (BOTTOM - TOP), 1)
