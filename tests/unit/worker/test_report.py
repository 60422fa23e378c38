import re
from html.parser import HTMLParser

import pytest

from core.domain.faults import FaultCode
from core.domain.submission import Verdict
from tests.unit.cli.fakes import BODY
from worker.report import VERDICT_TEXT, Report, render_report

SCORED = Report(
    title="mine.py",
    problem="Handwritten digits",
    verdict=Verdict.SCORED,
    body=BODY,
    epsilon_svg="<svg><title>epsilon</title></svg>",
    confidence_svg="<svg><title>confidence</title></svg>",
)
FAILED = Report(
    title="<script>alert(1)</script>.py",
    problem="Handwritten digits",
    verdict=Verdict.RUNTIME_ERROR,
    code=FaultCode.EXCEPTION,
    reason="ValueError: <b>no</b>",
    log="<img src=x>",
    traceback="line <3>",
    relative_runtime=0.2,
)


class Balance(HTMLParser):
    """Checks that what is opened is closed."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("report", [SCORED, FAILED])
def test_the_page_is_whole_and_needs_nothing_beside_it(report: Report) -> None:
    html = render_report(report)
    checker = Balance()
    checker.feed(html)
    assert checker.open == []
    assert not re.search(r"<script|<link|src=\"|href=|url\(|@import", html.replace("&lt;", ""))


def test_the_figures_and_both_plots_are_there() -> None:
    html = render_report(SCORED)
    for part in (
        "0.185",
        "0.160 to 0.214",
        "0.973",
        "0.021",
        "8.7 %",
        "98.9",
        *(SCORED.epsilon_svg, SCORED.confidence_svg),
    ):
        assert part in html


def test_the_plot_has_its_numbers_as_a_table() -> None:
    assert re.search(r"<td>0\.5</td><td>3</td>", render_report(SCORED))


def test_where_the_numbers_come_from_is_listed_without_empty_lines() -> None:
    html = render_report(SCORED)
    assert "bubblewrap" in html
    assert "2.13.0" in html
    assert "spec digest" not in html


def test_a_failure_says_why_and_what_to_do() -> None:
    html = render_report(FAILED)
    for part in ("EXCEPTION", "ValueError: &lt;b&gt;no&lt;/b&gt;", "line &lt;3&gt;", "lacuna doctor", "20.0 %"):
        assert part in html


def test_foreign_text_is_never_markup() -> None:
    html = render_report(FAILED)
    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_words(verdict: Verdict) -> None:
    assert VERDICT_TEXT[verdict] in render_report(Report(title="a", problem="b", verdict=verdict))
