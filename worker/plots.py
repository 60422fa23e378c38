"""The two plots of a report, as static SVG: no script, no style attribute, text in the colour of the page around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import vl_convert

# The colours are readable on white and on near-black; the class lets a page choose others.
SERIES_COLORS = {"unlearned": "#d9772b", "retrained": "#3b82c4", "epsilon": "#3b82c4"}
CONFIDENCE_BINS = 24
EPSILON_SIZE = (640, 230)
PANEL_SIZE = (212, 110)
PANEL_COLUMNS = 3

_Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart

_INK = "currentColor"
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "Liberation Sans, Arial, sans-serif",  # the font whose widths were measured comes first
    "padding": 6,
    "mark": {"aria": False},  # the whole picture carries one label; its numbers stand in a table beside it
    "view": {"stroke": None},
    "axis": {
        "aria": False,
        "labelColor": _INK,
        "titleColor": _INK,
        "domainColor": _INK,
        "domainOpacity": 0.5,
        "tickColor": _INK,
        "tickOpacity": 0.5,
        "gridColor": _INK,
        "gridOpacity": 0.12,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "title": {"color": _INK, "fontSize": 12, "anchor": "start", "fontWeight": "bold"},
    "legend": {
        "aria": False,
        "labelColor": _INK,
        "titleColor": _INK,
        "labelFontSize": 12,
        "orient": "top",
        "title": None,
    },
    "text": {"color": _INK},
}


@dataclass(frozen=True, slots=True)
class ExamplePick:
    """One forget example to be shown."""

    index: int  # its column in the pools
    example_id: int  # its place in the data set
    label: str
    epsilon: float  # nats


def choose_examples(epsilons: Sequence[float] | npt.NDArray[np.float64], *, count: int = 5) -> list[int]:
    """Pick examples from best to worst forgotten: both ends, the median, and evenly between."""
    order = np.argsort(np.asarray(epsilons), kind="stable")
    places = np.linspace(0, len(order) - 1, num=min(count, len(order))).round().astype(int)
    return [int(order[place]) for place in places]


def plot_epsilons(body: Mapping[str, Any]) -> str:
    """Draw how many forget examples fall into each bucket of epsilon, and what a bucket earns."""
    epsilon = body["epsilon"]
    rows = [
        {"bucket": f"{label}|{points}", "examples": count}
        for label, points, count in zip(
            _name_buckets(epsilon["edges"], len(epsilon["counts"])),
            _name_points(epsilon["points"], len(epsilon["counts"])),
            epsilon["counts"],
            strict=True,
        )
    ]
    axis = alt.Axis(labelExpr="split(datum.label, '|')", labelAngle=0, labelOverlap=False, ticks=False, labelPadding=6)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("bucket:N", sort=None, axis=axis, title="epsilon in nats, and the points an example there earns"),
        y=alt.Y("examples:Q", title="forget examples", axis=alt.Axis(tickMinStep=1)),
    )
    bars = base.mark_bar(color=SERIES_COLORS["epsilon"])
    numbers = base.mark_text(dy=-6, fontSize=11).encode(text="examples:Q").transform_filter("datum.examples > 0")
    width, height = EPSILON_SIZE
    title = (
        f"Epsilon of {sum(epsilon['counts'])} forget examples, median {epsilon['median']:.2f} nats:"
        " the further left, the better forgotten"
    )
    chart = alt.layer(bars, numbers).properties(width=max(width, 47 * len(rows)), height=height)
    return _to_svg(chart, title=title)


def plot_confidences(
    unlearned: npt.NDArray[np.float64], retrained: npt.NDArray[np.float64], examples: Sequence[ExamplePick]
) -> str:
    """Draw, for each chosen example, the (R, N) confidences of both pools as two histograms."""
    panels = [_plot_example(unlearned[:, pick.index], retrained[:, pick.index], pick) for pick in examples]
    chart = alt.concat(*panels, columns=PANEL_COLUMNS).resolve_scale(color="shared")
    named = ", ".join(str(pick.example_id) for pick in examples)
    title = f"Confidence of unlearned and retrained models on forget examples {named}, from best to worst forgotten"
    return _to_svg(chart, title=title)


def _plot_example(
    unlearned: npt.NDArray[np.float64], retrained: npt.NDArray[np.float64], pick: ExamplePick
) -> Any:  # altair's own types lose themselves in its chained calls
    names = ["unlearned", "retrained"]
    colors = alt.Scale(domain=names, range=[SERIES_COLORS[name] for name in names])
    width, height = PANEL_SIZE
    title = [f"example {pick.example_id}, label {pick.label}", f"epsilon {pick.epsilon:.2f}"]
    x = alt.X("from:Q", bin="binned", title="confidence", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    y = alt.Y("share:Q", stack=None, title="models", axis=alt.Axis(format="%", tickCount=4))
    return (
        alt.Chart(alt.InlineData(values=_make_bars(unlearned, retrained)), title=alt.TitleParams(title))
        .mark_bar(opacity=0.65, binSpacing=0)
        .encode(x=x, x2="to:Q", y=y, color=alt.Color("models:N", sort=names, title=None, scale=colors))
        .properties(width=width, height=height)
    )


def _make_bars(unlearned: npt.NDArray[np.float64], retrained: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """Rows of both histograms over the same bins; the later rows are drawn on top."""
    edges = _choose_edges(np.concatenate([unlearned, retrained]))
    return [
        {"from": float(low), "to": float(high), "share": float(share), "models": name}
        for name, values in (("retrained", retrained), ("unlearned", unlearned))
        for (low, high), share in zip(pairwise(edges), _share_per_bin(values, edges), strict=True)
    ]


def _choose_edges(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # A few far outliers would squeeze everything else into one bin: they are counted in the outermost bins.
    low, high = np.quantile(values, [0.005, 0.995])
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, CONFIDENCE_BINS + 1)


def _share_per_bin(values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    return np.asarray(counts / len(values))


def _name_buckets(edges: Sequence[float], count: int) -> list[str]:
    """One label per bucket; the last bucket is open if there are as many buckets as edges."""
    closed = [f"{low:g}–{high:g}" for low, high in pairwise(edges)]
    return [*closed, f"≥ {edges[-1]:g}"][:count]


def _name_points(points: Sequence[float], count: int) -> list[str]:
    padded = [*points, *[0.0] * (count - len(points))]
    return [f"1/{round(1 / point)}" if 0 < point < 1 else f"{point:g}" for point in padded]


def _to_svg(chart: _Chart, *, title: str) -> str:
    spec = chart.to_dict()
    spec["config"] = _CONFIG  # put in afterwards: altair's schema does not know currentColor
    svg = vl_convert.vegalite_to_svg(spec)
    for name in ("unlearned", "retrained"):
        color = SERIES_COLORS[name]
        svg = svg.replace(f'fill="{color}"', f'class="series-{name}" fill="{color}"')
    label = escape(title, quote=True)
    opening = f'<svg role="img" aria-label="{label}" overflow="visible" '
    head, _, rest = svg.replace("<svg ", opening, 1).partition(">")
    return f"{head}><title>{label}</title>{rest}"
