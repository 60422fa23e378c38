"""Pictures as SVG text: no script, no style, nothing loaded; text takes the colour of the page around it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

FONT_SIZE = 12
# Mid-tones: each keeps a contrast of 3 to 1 on white and on near-black.
LOOKS: dict[str, dict[str, object]] = {
    "unlearned": {"fill": "#d9772b"},
    "retrained": {"fill": "#3b82c4"},
    "earned": {"fill": "#3b82c4"},
    "lost": {"fill": "#d9772b"},
    "plain": {"fill": "currentColor", "fill_opacity": 0.4},
    "ceiling": {"stroke": "#2e9e5b", "stroke_width": 2, "stroke_dasharray": "5 3"},
    "dot": {"fill": "#d9772b", "fill_opacity": 0.65},
    "region": {"fill": "currentColor", "fill_opacity": 0.13},
    "track": {"fill": "currentColor", "fill_opacity": 0.1},
    "grid": {"stroke": "currentColor", "stroke_opacity": 0.15},
    "axis": {"stroke": "currentColor", "stroke_opacity": 0.6},
    "mark": {"stroke": "currentColor", "stroke_width": 1.5, "fill": "none"},
    "label": {"fill": "currentColor"},
    "soft": {"fill": "currentColor", "fill_opacity": 0.75},
}


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places along an axis."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.stop - self.start)

    def list_ticks(self, count: int = 5) -> Iterator[float]:
        """Round values inside the axis, about as many as asked for."""
        rough = (self.high - self.low) / count
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= 0.7 * rough)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return (round(place * step, 10) for place in range(first, last + 1))


def element(tag: str, *children: str, look: str = "", **attributes: object) -> Markup:
    """One element; children that are plain text are escaped, as are all attributes."""
    named = {**({"class": look, **LOOKS[look]} if look else {}), **attributes}
    pairs = "".join(
        f' {name.strip("_").replace("_", "-")}="{escape(_write_attribute(value))}"' for name, value in named.items()
    )
    inner = Markup("").join(children)
    return Markup(f"<{tag}{pairs}>{inner}</{tag}>" if children else f"<{tag}{pairs}/>")  # noqa: S704 (escaped above)


def text(content: str, x: float, y: float, *, look: str = "label", anchor: str = "start", size: int = 0) -> Markup:
    more = {"font_size": size} if size else {}
    return element("text", content, look=look, x=x, y=y, text_anchor=anchor, **more)


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> Markup:
    return element("line", look=look, x1=x1, y1=y1, x2=x2, y2=y2)


def box(x: float, y: float, width: float, height: float, look: str, **attributes: object) -> Markup:
    return element("rect", look=look, x=x, y=y, width=max(width, 0.0), height=max(height, 0.0), **attributes)


def picture(width: float, height: float, *parts: str, title: str = "") -> Markup:
    """The whole picture; without a title it says nothing that does not stand beside it."""
    said = {"role": "img", "aria_label": title} if title else {"aria_hidden": "true"}
    return element(
        "svg",
        *((element("title", title), *parts) if title else parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_write_attribute(width)} {_write_attribute(height)}",
        width=width,
        height=height,
        font_size=FONT_SIZE,
        **said,
    )


def show_tick(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _write_attribute(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
