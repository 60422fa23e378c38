import io
from typing import Any

from rich.console import Console

from cli.show.metric_table import render_metrics
from core.scorecard import parse_scorecard
from tests.scorecard_bodies import make_metric
from tests.unit.cli.fakes import BODY


def make_entry(key: str = "ua", **changes: Any) -> dict[str, Any]:
    return make_metric(key, **({"standard_error": 0.07, "retrained": 14.1} | changes))


def render(*entries: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(render_metrics(parse_scorecard(BODY | ({"metrics": list(entries)} if entries else {}))))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_metric_stands_beside_what_retrained_models_get() -> None:
    text = render(make_entry(), make_entry("klom_forget", name="KLOM, forget", unit="nats", standard_error=None))
    assert "UA %" in text
    assert "14.1 ± 0.1" in text
    assert "14.090" in text
    assert "256 models from one original" in text


def test_pools_from_several_originals_say_so() -> None:
    assert "256 models from 16 originals" in render(make_entry(originals_per_run=16))


def test_a_metric_without_a_value_is_a_dash() -> None:
    assert "–" in render(make_entry(value=None, retrained=None))


def test_seconds_are_written_as_such_and_the_long_tail_is_left_out() -> None:
    text = render(make_entry("rte", unit="seconds", value=0.25, standard_error=0.01), make_entry("klom_d24_forget"))
    assert "250 ms ± 10 ms" in text
    assert "KLOM_D24" not in text


def test_scorecards_of_older_versions_have_no_metrics() -> None:
    assert render().strip() == ""
