import re
from html.parser import HTMLParser
from typing import Any

import pytest

from core.domain import exposure
from core.domain.faults import FaultCode
from core.domain.submission import VERDICT_TEXT, Verdict
from core.scorecard import parse_scorecard
from evaluator import Attack
from evaluator.explain import Region
from tests.scorecard_bodies import make_metric
from tests.unit.cli.fakes import BODY
from tests.unit.worker.reports import PIXEL, describe_tiny, make_body, make_detail, make_example, make_record
from worker.report.page import SECTIONS, Report, format_value, render_report

EXTRAS: dict[str, Any] = {
    "attacks": [{"attack": "half_line", "won": 20, "median_epsilon": 1.21}],
    "metrics": [
        make_metric("ua", value=40.0, standard_error=0.125, retrained=50.0, variant="100 - FA"),
        make_metric("zrf", value=None, models=0, note="no untrained networks"),
    ],
    "decision": {
        "standing": "behind",
        "rival_place": 1,
        "alpha": 0.05,
        "after": 64,
        "of": 256,
        "difference": -0.125,
    },
    "flags": [],
    "flag_checks": [
        {
            "code": "no_op",
            "severity": "warning",
            "value": 0.0125,
            "threshold": 0.1,
            "fires": "below",
            "detail": "Nothing moved.",
        },
        {
            "code": "relearn_time",
            "severity": None,
            "value": None,
            "threshold": None,
            "fires": "below",
            "detail": "Not measured.",
        },
    ],
}


def make_report(**changes: Any) -> Report:
    values: dict[str, Any] = {
        "title": "mine.py",
        "problem": "Handwritten digits",
        "verdict": Verdict.SCORED,
        "record": make_record(),
        "detail": make_detail(),
        **changes,
    }
    return Report(**values)


FAILED = Report(
    title="<script>alert(1)</script>.py",
    problem="Handwritten digits",
    verdict=Verdict.RUNTIME_ERROR,
    code=FaultCode.EXCEPTION,
    reason="ValueError: <b>no</b>",
    log="<img src=x>",
    traceback="line <3>",
    relative_runtime=0.2,
    sight=exposure.Sight(exposure.Reader.STAFF, exposure.Exposure.PRACTICE),
)
REPORTS = {
    "whole": make_report(record=make_record(**EXTRAS)),
    "plain": make_report(),
    "hidden": make_report(detail=None),
    "failed": FAILED,
    "smallest": make_report(record=parse_scorecard(BODY), detail=None),
}


class Reader(HTMLParser):
    """Checks that what is opened is closed, and keeps what a reader moves by."""

    VOID = frozenset({"meta", "img", "br", "rect", "line", "path", "circle"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.attributes.append((tag, values))
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [values for name, values in self.attributes if name == tag]


@pytest.fixture(params=list(REPORTS))
def html(request: pytest.FixtureRequest) -> str:
    return render_report(REPORTS[request.param])


def test_the_file_is_whole_and_needs_nothing_beside_it(html: str) -> None:
    reader = Reader(html)
    assert reader.open == []
    for tag, values in reader.attributes:
        assert tag not in {"script", "link", "iframe", "object", "base", "form"}
        assert "style" not in values
        assert not [name for name in values if name.startswith("on")]
        assert str(values.get("src", "data:")).startswith("data:")
        assert str(values.get("href", "#")).startswith("#")
    assert not re.search(r"url\(|@import", html)


def test_headings_go_down_one_at_a_time_and_every_anchor_leads_somewhere(html: str) -> None:
    reader = Reader(html)
    assert reader.headings[0] == 1
    assert all(second <= first + 1 for first, second in zip(reader.headings, reader.headings[1:], strict=False))
    assert len(set(reader.ids)) == len(reader.ids)
    wanted = [str(values["href"])[1:] for values in reader.find("a")]
    labels = [str(values["aria-labelledby"]) for _, values in reader.attributes if "aria-labelledby" in values]
    assert set(wanted + labels) <= set(reader.ids)


def test_every_picture_is_named_or_hidden_from_those_who_cannot_see_it(html: str) -> None:
    reader = Reader(html)
    assert all(values.get("alt") for values in reader.find("img"))
    assert all(values.get("aria-label") or values.get("aria-hidden") for values in reader.find("svg"))


def test_what_scrolls_can_be_reached_by_keyboard(html: str) -> None:
    assert all("tabindex" in values for _, values in Reader(html).attributes if values.get("class") == "scroll")


def test_every_section_opens_with_what_to_look_for() -> None:
    html = render_report(REPORTS["whole"])
    parts = re.split(r"<section", html)[1:]
    assert len(parts) == len(SECTIONS)
    assert [part for part in parts if 'class="look"' not in part and "glossary" not in part] == []


def test_the_figures_of_the_head_are_there() -> None:
    html = render_report(REPORTS["plain"])
    for shown in ("0.281", "0.261 to 0.301", "0.271", "0.973", "0.021", "0.011", "10.7 %", "held out", "over budget"):
        assert shown in html
    assert "The place on a board is not in this file" in html


def test_the_points_stand_in_a_table_that_adds_up() -> None:
    html = render_report(REPORTS["plain"])
    assert re.search(r"0\.5 to 1</th><td[^>]*>10</td><td[^>]*>1/2</td><td[^>]*>0\.1250</td><td[^>]*>0\.1250</td>", html)
    assert re.search(r"quality</th><td[^>]*>40</td><td[^>]*></td><td[^>]*>0\.6250</td><td[^>]*>0\.3750</td>", html)


def test_an_example_is_shown_with_picture_label_bound_attack_and_both_histograms() -> None:
    html = render_report(REPORTS["plain"])
    for shown in (PIXEL, "label seven", "example 1234", "1.50", "lower bound 0.70", "mu 1.25", "above 0.50"):
        assert shown in html
    assert "it is really one" in html
    assert "FPR 0.250, FNR 0.125" in html
    assert html.count("Confidence of unlearned models (up) and retrained models (down)") == 2 * 3  # label and title


def test_an_example_without_picture_or_region_is_shown_too() -> None:
    bare = make_example(image="", mu=None, region=Region(Attack.none, None, (), None, None))
    html = render_report(make_report(detail=make_detail(hardest=(bare,), easiest=())))
    assert "<img" not in html
    assert "no attack got anywhere" in html
    assert "Best forgotten" not in html


def test_a_real_example_comes_with_its_image() -> None:
    _, record, detail = describe_tiny()
    html = render_report(make_report(record=record, detail=detail))
    assert html.count('<img src="data:image/png;base64,') == 9


def test_sections_of_what_the_scorecard_lacks_are_left_out() -> None:
    html = render_report(REPORTS["plain"])
    for name in ("attacks", "metrics", "decision", "flag_checks"):
        assert f'id="{name}"' not in html
        assert f'href="#{name}"' not in html


def test_sections_of_what_the_scorecard_has_are_there() -> None:
    html = render_report(REPORTS["whole"])
    for shown in ("one threshold on the confidence", "100 - FA", "0.125", "no untrained networks", "Nothing moved."):
        assert shown in html
    assert 'href="#decision"' in html
    assert "<dt>rival place</dt><dd>1</dd>" in html
    assert "<dt>difference</dt><dd>−0.125</dd>" in html
    assert "<dt>rival</dt>" not in html


def test_a_hidden_problems_report_tells_nothing_of_a_single_example() -> None:
    body = make_body(**EXTRAS)
    html = render_report(make_report(record=parse_scorecard(body), detail=None))
    assert "data:image" not in html
    assert "forget set is hidden" in html
    assert 'id="difficulty"' not in html
    assert "Nothing moved." not in html
    secrets = [*body["epsilon"]["per_example"], *body["epsilon"]["lower"], *body["epsilon"]["mu"]]
    distinctive = [str(value) for value in secrets if len(str(value)) >= 5]
    assert len(distinctive) > 40
    assert [value for value in distinctive if value in html] == []


def test_where_the_numbers_come_from_is_listed_without_empty_lines() -> None:
    html = render_report(REPORTS["plain"])
    assert "bubblewrap" in html
    assert "2.13.0" in html
    assert "spec digest" not in html


def test_a_failure_says_why_and_what_to_do() -> None:
    html = render_report(FAILED)
    for part in ("EXCEPTION", "ValueError: &lt;b&gt;no&lt;/b&gt;", "line &lt;3&gt;", "lacuna doctor", "20.0 %"):
        assert part in html


def test_foreign_text_is_never_markup() -> None:
    evil = '"><script>alert(1)</script>'
    example = make_example(label=evil, clean_label=evil)
    provenance = make_body()["provenance"] | {"sandbox": evil}
    record = make_record(provenance=provenance, metrics=[make_metric(evil, value=None, note=evil)])
    for report in (
        FAILED,
        make_report(title=evil, problem=evil, record=record, detail=make_detail(hardest=(example,))),
    ):
        html = render_report(report)
        assert "<script" not in html
        assert "<img src=x" not in html


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_words(verdict: Verdict) -> None:
    assert VERDICT_TEXT[verdict] in render_report(Report(title="a", problem="b", verdict=verdict))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ("", "–"),
        (True, "yes"),
        (3, "3"),
        (-0.25, "−0.25"),
        (0.123456, "0.1235"),
        ([1, 2.5], "1, 2.5"),
        ({"a": 1, "b": [None]}, "a 1, b –"),
        ("half_line", "half_line"),
    ],
)
def test_any_value_is_shown_on_one_line(value: object, shown: str) -> None:
    assert format_value(value) == shown


def test_what_an_entry_cost_exactly_is_in_no_report_of_a_hidden_run() -> None:
    reason = "the runs cost 12.3 % of retraining; the budget is 10%"
    over = {"verdict": Verdict.OVER_BUDGET, "code": FaultCode.COMPUTE_BUDGET, "reason": reason}
    assert reason in render_report(make_report(**over))
    assert "12.3" not in render_report(make_report(detail=None, **over))


PAIRS = {
    "originals": 2,
    "requests": 1,
    "noise": {"replicas": 0.25, "originals": 0.75, "requests": None, "both": None},
    "freedom": 1.5,
    "scores": [[0.125], [0.375]],
    "errors": [[0.01], [0.02]],
}


def read_text(html: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def test_a_mean_over_pairs_shows_each_and_where_its_variance_comes_from() -> None:
    text = read_text(render_report(make_report(record=parse_scorecard(make_body(pairs=PAIRS)))))
    assert "The score is the mean over 2 originals × one request, each scored apart" in text
    assert "replicas 25%, originals 75% of the variance; what another request would change is not estimated" in text
    assert "0.125 ± 0.010" in text
    assert "mean over pairs" in text
    hidden = {name: value for name, value in PAIRS.items() if name in ("originals", "requests")}
    text = read_text(render_report(make_report(record=parse_scorecard(make_body(pairs=hidden)))))
    assert "each scored apart" in text
    assert "of the variance" not in text
