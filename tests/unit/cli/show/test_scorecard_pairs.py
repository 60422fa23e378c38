"""What the terminal says of originals and requests: of several where the noise is, of one that nothing is known."""

import json
from pathlib import Path

from rich.console import Console

from cli.show.scorecard import render_scorecard
from core.scorecard import parse_scorecard

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "scorecards"


def render(form: str) -> str:
    record = parse_scorecard(json.loads((FIXTURES / f"{form}.json").read_text()))
    console = Console(width=200)
    with console.capture() as captured:
        console.print(render_scorecard(record, verdict="scored"))
    return captured.get()


def test_several_are_named_with_the_shares_of_the_variance() -> None:
    shown = render("form-5")
    assert "2 originals × 2 requests" in shown
    assert "replicas 25%, originals 12%, requests 50%, the two together 12% of the variance" in shown
    assert "this request alone" not in shown


def test_of_one_original_and_one_request_the_interval_is_about_these() -> None:
    shown = render("form-4")
    assert "95 % interval, of these originals and this request alone" in shown
    assert "mean over" not in shown
