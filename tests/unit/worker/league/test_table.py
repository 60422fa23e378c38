import csv
import io
import re
from itertools import pairwise

import pytest

from core.domain.submission import Verdict
from core.scorecard import MetricLine
from tests.unit.worker.reports import make_body
from worker.league.columns import ColumnSet, find_order, list_columns
from worker.league.page import draw_figure, render_page
from worker.league.rows import LeagueRow
from worker.league.table import Cell, LeagueTable, TableRow, make_metric_cells, make_rows, make_table
from worker.league.texts import render_csv, render_latex, render_markdown


def make_line(**changes: object) -> dict[str, object]:
    return {
        "id": "ua",
        "name": "UA",
        "group": "accuracy",
        "unit": "percent",
        "better": "closer to retrained",
        "variant": "",
        "source": "",
        "value": 5.0,
        "standard_error": 0.5,
        "interval": None,
        "models": 64,
        "retrained": 14.0,
        "retrained_standard_error": 0.2,
        "originals_per_run": 1,
        "note": "",
        **changes,
    }


def make_row(name: str, *, score: float | None = 0.2, **changes: object) -> LeagueRow:
    body = None
    if score is not None:
        ends = {"estimate": score, "low": score - 0.02, "high": score + 0.02, "level": 0.95}
        metrics = [make_line(), make_line(id="avg_gap", name="Avg. Gap", value=1 - score, retrained=0.1)]
        body = make_body(score=ends, metrics=metrics)
    facts = {
        "name": name,
        "source_digest": "a",
        "problem_digest": "b",
        "replicas": 64,
        "sandbox": "bubblewrap",
        "metric_version": "lacuna-3",
        "verdict": Verdict.SCORED,
        "seconds": 1.0,
        "report": f"reports/{name}.html",
        "scorecard": body,
    }
    return LeagueRow.model_validate(facts | changes)


def make_league(*rows: LeagueRow, chosen: ColumnSet = ColumnSet.COMP) -> LeagueTable:
    floor = TableRow("noise floor", {"score": Cell(0.97, gap=0.0)}, is_reference=True)
    return make_table([floor], rows, problem="Tiny <digits>", slug="tiny", replicas=64, budget=0.1, chosen=chosen)


def test_deviation_and_gap_follow_from_what_the_scorecard_says() -> None:
    cell = make_metric_cells([MetricLine.model_validate(make_line())])["ua"]
    assert (cell.value, cell.gap, cell.sd, cell.standard_error) == (5.0, 9.0, 4.0, 0.5)
    assert make_metric_cells([MetricLine.model_validate(make_line(value=None))]) == {}


@pytest.mark.parametrize(("chosen", "names"), [(ColumnSet.COMP, ["good", "bad"]), (ColumnSet.SALUN, ["good", "bad"])])
def test_the_best_of_the_source_comes_first_and_failures_last(chosen: ColumnSet, names: list[str]) -> None:
    failed = make_row("broken", score=None, verdict=Verdict.RUNTIME_ERROR, reason="ValueError: no", report="")
    rows = make_rows([failed, make_row("bad", score=0.1), make_row("good", score=0.3)], chosen)
    assert [row.name for row in rows] == [*names, "broken"]
    assert rows[-1].mark == "runtime error: ValueError: no"


def test_what_is_over_the_budget_keeps_its_numbers_and_says_so() -> None:
    (row,) = make_rows([make_row("dear", verdict=Verdict.OVER_BUDGET)], ColumnSet.COMP)
    assert row.mark == "over budget"
    assert row.cells["score"].value == 0.2


@pytest.mark.parametrize("chosen", list(ColumnSet))
def test_every_set_of_columns_is_known_and_is_sorted_by_one_of_them(chosen: ColumnSet) -> None:
    assert find_order(chosen)[0] in {column.id for column in list_columns(chosen)}


def test_the_csv_holds_six_numbers_for_every_column_and_no_formula() -> None:
    text = render_csv(make_league(make_row("=cmd()"), chosen=ColumnSet.SALUN))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["method"] for row in rows] == ["noise floor", "'=cmd()"]
    assert [rows[1][f"ua{part}"] for part in ("", "_gap", "_sd", "_se", "_low", "_high")] == [
        *("5.0", "9.0", "4.0", "0.5", "", "")
    ]


def test_markdown_and_latex_are_whole_tables() -> None:
    table = make_league(make_row("a_b"), make_row("dear", verdict=Verdict.OVER_BUDGET), chosen=ColumnSet.SALUN)
    markdown = render_markdown(table).splitlines()
    assert {line.count("|") for line in markdown[:5]} == {9}
    assert "| `a_b` | 5.00 ± 0.50 (9.00) |" in markdown[3]
    latex = render_latex(table)
    assert r"a\_b & 5.00 $\pm$ 0.50 (9.00)" in latex
    assert {line.count("&") for line in latex.splitlines() if line.endswith(r"\\")} == {6}
    assert r"dear$^\dagger$ (over budget)" in latex


def test_the_page_escapes_names_links_reports_and_loads_nothing() -> None:
    page = render_page(make_league(make_row("<script>alert(1)</script>")))
    assert "<script" not in page
    assert 'href="reports/&lt;script&gt;' in page
    assert "Tiny &lt;digits&gt;" in page
    assert not re.search(r"(src|href)=[\"']https?:", page)


def test_the_figure_has_a_point_and_a_name_for_every_scored_method_and_none_over_another() -> None:
    rows = [make_row(f"m{place}", score=0.01) for place in range(25)]
    svg = draw_figure(make_league(*rows, make_row("broken", score=None, verdict=Verdict.TIME_LIMIT)))
    assert svg is not None
    assert svg.count("<circle") == 25
    heights = sorted(float(y) for y in re.findall(r'x="580" y="([\d.]+)"', svg))
    assert len(heights) == 25
    assert min(later - earlier for earlier, later in pairwise(heights)) > 12


def test_a_league_without_a_score_has_no_figure() -> None:
    assert draw_figure(make_league(make_row("broken", score=None, verdict=Verdict.TIME_LIMIT))) is None
