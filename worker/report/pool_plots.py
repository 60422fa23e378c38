"""Both pools of one forget example, back to back: unlearned models above the line, retrained ones below it."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from worker.report.examples import ShownExample
from worker.report.svg import Scale, box, element, line, picture, show_tick, text

BINS = 28
WIDTH, HEIGHT = 300.0, 190.0
GRID_COLUMNS = 3
MOST_UNEVEN = 4.0  # ratio of peaks
_TOP, _MIDDLE, _BOTTOM = 12.0, 84.0, 156.0

Values = npt.NDArray[np.float64]


def plot_pools(example: ShownExample) -> Markup:
    """Two histograms over one axis, and the attacker's region behind them."""
    title = f"Confidence of unlearned models (up) and retrained models (down) in example {example.example_id}"
    return picture(WIDTH, HEIGHT, _draw_panel(example), title=title)


def plot_pool_grid(examples: Sequence[ShownExample]) -> Markup:
    """The same for several examples in one picture."""
    columns = min(GRID_COLUMNS, max(len(examples), 1))
    height = HEIGHT + 20
    panels = [
        element(
            "g",
            text(f"example {example.example_id}, label {example.label}, epsilon {example.epsilon:.2f}", 0, 13),
            element("g", _draw_panel(example), transform="translate(0 20)"),
            transform=f"translate({place % columns * (WIDTH + 16):g} {place // columns * (height + 10):g})",
        )
        for place, example in enumerate(examples)
    ]
    rows = -(-len(examples) // columns)
    title = "Confidence of unlearned models (up) and retrained models (down) on forget examples, worst forgotten first"
    return picture(columns * (WIDTH + 16), max(rows, 1) * (height + 10), *panels, title=title)


def _draw_panel(example: ShownExample) -> Markup:
    edges = choose_edges(np.concatenate([example.unlearned, example.retrained]))
    x = Scale(float(edges[0]), float(edges[-1]), 4, WIDTH - 4)
    up, down = (count_shares(pool, edges) for pool in (example.unlearned, example.retrained))
    tops = choose_tops(float(up.max()), float(down.max()))
    half, bars = _MIDDLE - _TOP - 2, []
    for (low, high), above, below in zip(pairwise(edges), half * up / tops[0], half * down / tops[1], strict=True):
        left, width = x(low), x(high) - x(low) - 0.5
        if above:
            bars.append(box(left, _MIDDLE - above, width, above, "unlearned"))
        if below:
            bars.append(box(left, _MIDDLE, width, below, "retrained"))
    return Markup("").join([
        *_draw_region(example, x),
        *bars,
        line(x.start, _MIDDLE, x.stop, _MIDDLE, "axis"),
        text(f"unlearned, peak {100 * up.max():.0f} %", x.start, _TOP - 2, look="soft", size=10),
        text(f"retrained, peak {100 * down.max():.0f} %", x.start, _BOTTOM + 2, look="soft", size=10),
        *(text(show_tick(tick), x(tick), _BOTTOM + 16, look="soft", anchor="middle") for tick in x.list_ticks()),
        text("confidence", (x.start + x.stop) / 2, _BOTTOM + 31, look="soft", anchor="middle", size=11),
    ])  # fmt: skip


def _draw_region(example: ShownExample, x: Scale) -> list[Markup]:
    return [
        box(x(low) - 0.75, _TOP, x(high) - x(low) + 1.5, _BOTTOM - _TOP, "region") for low, high in example.region.parts
    ]


def choose_tops(up: float, down: float) -> tuple[float, float]:
    """Shares at which each half is full: one scale for both, unless one pool would vanish beside the other."""
    most = max(up, down)
    return (up, down) if most > MOST_UNEVEN * min(up, down) else (most, most)


def choose_edges(values: Values) -> Values:
    """Edges of equal bins; a few far outliers count in the outermost ones and do not squeeze the rest."""
    low, high = np.quantile(values, [0.005, 0.995])
    if high - low < 1e-3:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def count_shares(values: Values, edges: Values) -> Values:
    """Share of the models in each bin."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    return np.asarray(counts / len(values))
