"""Geometry of the small bars on the board, and the check that a stored plot is only a picture."""

from dataclasses import dataclass
from html.parser import HTMLParser

from markupsafe import Markup

SCORE_WIDTH = 200
RUNTIME_WIDTH = 64
RUNTIME_BUDGETS = 2.0  # the runtime bar ends at this many times the budget

# what the plots are drawn with; anything else could load or run something
_SVG_TAGS = frozenset({
    "svg", "g", "path", "rect", "line", "circle", "ellipse", "polygon", "polyline", "text", "tspan", "title", "desc",
    "defs", "clippath", "lineargradient", "radialgradient", "stop", "symbol", "use", "marker", "mask", "pattern",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """Places along an axis from 0 to 1, in pixels."""

    score: float
    low: float
    high: float
    ceiling: float | None


@dataclass(frozen=True, slots=True)
class RuntimeBar:
    """Places along an axis from 0 to twice the budget, in pixels."""

    length: float
    budget: float
    is_cut: bool


def draw_score(
    score: float, low: float | None, high: float | None, ceiling: float | None, *, width: int = SCORE_WIDTH
) -> ScoreBar:
    def place(value: float) -> float:
        return round(width * min(max(value, 0.0), 1.0), 1)

    return ScoreBar(
        score=place(score),
        low=place(score if low is None else low),
        high=place(score if high is None else high),
        ceiling=None if ceiling is None else place(ceiling),
    )


def draw_runtime(runtime: float, budget: float) -> RuntimeBar:
    end = RUNTIME_BUDGETS * budget
    length = RUNTIME_WIDTH * min(max(runtime / end, 0.0), 1.0)
    return RuntimeBar(round(length, 1), round(RUNTIME_WIDTH / RUNTIME_BUDGETS, 1), runtime > end)


def trust_svg(text: str) -> Markup | None:
    """The plot, ready to stand in a page; None if it holds anything but shapes and text."""
    reader = _SvgReader()
    reader.feed(text)
    reader.close()
    if not reader.is_clean or not text.lstrip().startswith("<svg"):
        return None
    return Markup(text)  # noqa: S704 (what the lines above are for)


class _SvgReader(HTMLParser):
    """Reads as a browser does: what it takes for a tag or an attribute is checked."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.is_clean = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        bad = any(not _is_harmless(name, value or "") for name, value in attrs)
        if tag not in _SVG_TAGS or bad:
            self.is_clean = False

    def handle_comment(self, data: str) -> None:
        self.is_clean = False

    def handle_decl(self, decl: str) -> None:
        self.is_clean = False

    def unknown_decl(self, data: str) -> None:
        self.is_clean = False

    def handle_pi(self, data: str) -> None:
        self.is_clean = False


def _is_harmless(name: str, value: str) -> bool:
    if name.startswith("on") or name in ("style", "src"):
        return False
    if name in ("href", "xlink:href"):
        return value.startswith("#")
    return "\\" not in value and value.lower().count("url(") == value.count("url(#")  # only parts of the same picture
