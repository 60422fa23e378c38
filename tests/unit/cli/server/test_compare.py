import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.fakes import FakeServer, make_ended

Run = Callable[..., Any]
SCORE = {"estimate": 0.185, "low": 0.160, "high": 0.214}


def make_comparison(**changes: Any) -> dict[str, Any]:
    metrics = [
        {"id": "score", "name": "score", "unit": "", "better": "higher", "a": 0.2, "b": 0.185, "difference": -0.015},
        {"id": "ua", "name": "UA", "unit": "percent", "better": "", "a": 8.1, "b": None, "difference": None},
    ]
    return {
        "a": make_ended("scored", score=SCORE, note="[bold]first"),
        "b": make_ended("scored", id="s2", score=SCORE),
        "conclusion": "within_noise",
        "detail": "the difference is within noise",
        "difference": -0.015,
        "difference_error": 0.02,
        "metrics": metrics,
        "epsilons": {"edges": [0.0, 0.5], "a": [5, 3], "b": [10, 0]},
    } | changes


@pytest.fixture
def server(server: FakeServer) -> FakeServer:
    server.on("GET", "/submissions/s1", make_ended("scored", score=SCORE))
    server.on("GET", "/competitions/digits/compare", make_comparison())
    return server


def test_two_submissions_stand_side_by_side_with_what_noise_can_explain(run: Run, server: FakeServer) -> None:
    result = run("compare", "s1", "s2")
    assert result.exit_code == 0
    for shown in ("within noise; B − A −0.015 ± 0.020", "[bold]first", "UA, percent", "████ 10"):
        assert shown in result.stdout
    assert dict(server.requests[-1].url.params) == {"a": "s1", "b": "s2"}


def test_what_does_not_compare_says_why(run: Run, server: FakeServer) -> None:
    values = {"difference": None, "difference_error": None, "detail": "scored under different rules", "epsilons": None}
    server.on("GET", "/competitions/digits/compare", make_comparison(**values))
    assert "scored under different rules\n" in run("compare", "s1", "s2").stdout


def test_as_json_it_is_what_the_server_said(run: Run, server: FakeServer) -> None:
    assert json.loads(run("compare", "s1", "s2", "--json").stdout)["conclusion"] == "within_noise"


def test_a_submission_is_not_compared_with_itself(run: Run, server: FakeServer) -> None:
    result = run("compare", "s1", "s1")
    assert (result.exit_code, "one submission" in result.stderr) == (1, True)


def test_variants_of_metrics_are_shown_when_asked_for(run: Run, server: FakeServer) -> None:
    line = {"id": "m", "unit": "nats", "better": "lower", "a": 1.0, "b": 2.0, "difference": 1.0}
    many = [line | {"name": f"metric {number}"} for number in range(25)]
    server.on("GET", "/competitions/digits/compare", make_comparison(metrics=many))
    brief, everything = run("compare", "s1", "s2").stdout, run("compare", "s1", "s2", "--all").stdout
    assert ("metric 24" in brief, "5 more with --all" in brief) == (False, True)
    assert ("metric 24" in everything, "--all" in everything) == (True, False)
