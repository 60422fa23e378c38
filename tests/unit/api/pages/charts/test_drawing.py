import pytest

from api.pages.charts.drawing import RUNTIME_WIDTH, SCORE_WIDTH, draw_runtime, draw_score, trust_svg
from tests import factories


def test_a_score_of_one_fills_the_bar() -> None:
    bar = draw_score(1.0, 0.5, 1.2, 0.98)
    assert (bar.score, bar.low, bar.high) == (SCORE_WIDTH, SCORE_WIDTH / 2, SCORE_WIDTH)


def test_a_runtime_at_the_budget_ends_at_its_mark() -> None:
    bar = draw_runtime(0.1, 0.1)
    assert (bar.length, bar.is_cut) == (bar.budget, False)


def test_a_runtime_far_over_the_budget_is_cut() -> None:
    bar = draw_runtime(1.0, 0.1)
    assert (bar.length, bar.is_cut) == (RUNTIME_WIDTH, True)


def test_a_plot_of_shapes_and_text_is_shown() -> None:
    assert trust_svg(factories.SVG) == factories.SVG


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<SCRIPT>alert(1)</SCRIPT>",
        "<g onload='alert(1)'/>",
        "<g ONCLICK=alert(1)></g>",
        "<a href='javascript:alert(1)'>x</a>",
        "<use href='//elsewhere/x.svg#a'/>",
        "<image href='x.png'/>",
        "<foreignObject><p>x</p></foreignObject>",
        "<style>*{}</style>",
        "<rect style='fill:red'/>",
        "<rect fill='url(//elsewhere)'/>",
        "<rect fill='url(#a) url(//elsewhere)'/>",
        "<rect fill='URL(//elsewhere)'/>",
        "<rect fill='\\75rl(//elsewhere)'/>",
        "<!-- <script> -->",
        "<![CDATA[<script>]]>",
    ],
)
def test_a_plot_that_holds_anything_else_is_not_shown(inside: str) -> None:
    assert trust_svg(f"<svg>{inside}</svg>") is None


def test_markup_around_the_picture_is_not_shown() -> None:
    assert trust_svg("<p>hello</p><svg></svg>") is None
