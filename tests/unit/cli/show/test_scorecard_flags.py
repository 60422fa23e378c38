from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from cli.show.scorecard import render_scorecard
from core.scorecard import parse_scorecard
from tests.unit.cli.fakes import BODY


def show(body: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=160)
    console.print(render_scorecard(parse_scorecard(body), verdict="scored"))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_every_flag_is_a_line_with_its_sentence() -> None:
    flag = {"code": "copied_member", "severity": "strong", "detail": "2 of 16 replicas are nearly a model of a pool."}
    assert "copied member, strong" in show(BODY | {"flags": [flag]})
    assert flag["detail"] in show(BODY | {"flags": [flag]})


def test_a_flag_of_a_hidden_problem_is_shown_without_values() -> None:
    assert "no op, suspicious" in show(BODY | {"flags": [{"code": "no_op", "severity": "suspicious"}]})


@pytest.mark.parametrize(("flags", "lines"), [({"flags": []}, 1), ({}, 0)])
def test_checked_and_clean_is_told_from_never_checked(flags: dict[str, Any], lines: int) -> None:
    found = [line for line in show({k: v for k, v in BODY.items() if k != "flags"} | flags).splitlines()]
    assert len([line for line in found if line.startswith("flags")]) == lines
