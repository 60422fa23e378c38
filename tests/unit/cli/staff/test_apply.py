import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.problem_files import PROBLEM_FOLDER
from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
DIGITS = (PROBLEM_FOLDER / "digits.toml").read_text()


def make_plan(**changes: Any) -> dict[str, Any]:
    return {
        "slug": "digits", "effect": "create", "applied": False, "consequence": "The competition is made.",
        "changes": [{"field": "split.seed", "before": None, "after": 2}], "refused": None, "state": None,
    } | changes  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "competition.toml"
    path.write_text(DIGITS + "\n[competition]\ndaily_limit = 3\ncloses_at = 2030-01-01T12:00:00Z\n")
    return path


def list_applied(server: FakeServer) -> list[str]:
    return [request.url.params["dry_run"] for request in server.requests if request.method == "PUT"]


def test_the_difference_is_shown_before_it_is_done(run: Run, server: FakeServer, file: Path) -> None:
    server.on("PUT", "/admin/competitions/digits", make_plan(), make_plan(applied=True, state="preparing"))
    result = run("admin", "apply", file, text="y\n")
    assert "+ split.seed = 2" in result.output
    assert "digits is preparing" in result.output
    assert list_applied(server) == ["true", "false"]
    sent = json.loads(server.requests[-1].content)
    assert sent["competition"] == {"daily_limit": 3, "closes_at": "2030-01-01T12:00:00+00:00"}


@pytest.mark.parametrize(("options", "text"), [(("--dry-run",), None), ((), "n\n")])
def test_nothing_is_done_without_a_yes(
    run: Run, server: FakeServer, file: Path, options: tuple[str, ...], text: str | None
) -> None:
    server.on("PUT", "/admin/competitions/digits", make_plan())
    run("admin", "apply", file, *options, text=text)
    assert list_applied(server) == ["true"]


def test_yes_asks_nothing(run: Run, server: FakeServer, file: Path) -> None:
    server.on("PUT", "/admin/competitions/digits", make_plan(), make_plan(applied=True, state="preparing"))
    assert run("admin", "apply", file, "--yes").exit_code == 0
    assert list_applied(server) == ["true", "false"]


def test_a_refused_change_is_shown_with_the_reason(run: Run, server: FakeServer, file: Path) -> None:
    server.on("PUT", "/admin/competitions/digits", make_plan(refused="digits has 3 submissions scored"))
    result = run("admin", "apply", file, "--yes")
    assert (result.exit_code, "3 submissions scored" in result.output) == (1, True)
    assert list_applied(server) == ["true"]


def test_ids_come_from_a_file_beside(run: Run, server: FakeServer, file: Path) -> None:
    (file.parent / "ids.csv").write_text("id\n5\n7\n")
    body = DIGITS.replace('kind = "random"\nfraction = 0.125\nseed = 2', 'kind = "ids"\nids_file = "ids.csv"')
    file.write_text(body)
    server.on("PUT", "/admin/competitions/digits", make_plan())
    run("admin", "apply", file, "--dry-run")
    assert json.loads(server.requests[-1].content)["forget"] == {"kind": "ids", "ids": [5, 7]}


@pytest.mark.parametrize(
    ("text", "reason"), [("slug = ", "not valid TOML"), (DIGITS + "[competition]\nprize = 1\n", "competition.prize")]
)
def test_a_file_that_makes_no_sense_never_leaves(
    run: Run, server: FakeServer, file: Path, text: str, reason: str
) -> None:
    file.write_text(text)
    assert reason in run("admin", "apply", file).output
    assert list_applied(server) == []


def test_competitions_are_listed_with_what_they_wait_for(run: Run, server: FakeServer) -> None:
    row = {
        "slug": "faces", "title": "Faces", "state": "preparing", "exposure": "private", "fault": "[no] disk",
        "data_set": f"faces@{'ab12' * 16}",
        "preparation": {"stage": "pools", "finished": 3, "total": 9, "seconds_left": 40.0, "pools": []},
    }  # fmt: skip
    server.on("GET", "/admin/competitions", {"items": [row]})
    output = run("admin", "competitions").output
    assert "3 of 9" in output
    assert "faces@ab12ab12ab12 " in output
    assert "[no] disk" in output


def test_a_competition_is_written_as_the_file_that_makes_it(run: Run, server: FakeServer, tmp_path: Path) -> None:
    document = tomllib.loads(DIGITS) | {"competition": {"rules": "Be [fair].\nAlways."}}
    server.on("GET", "/admin/competitions/digits/file", document)
    assert tomllib.loads(run("admin", "export", "digits").output) == document
    run("admin", "export", "digits", "--out", tmp_path / "digits.toml")
    assert tomllib.loads((tmp_path / "digits.toml").read_text()) == document
