from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
PATH = "/admin/competitions/faces"


def make_pool(**changes: Any) -> dict[str, Any]:
    return {
        "role": "public", "kind": "retrained", "state": "building", "finished": 3, "total": 9, "seconds_left": 40.0,
        "problem_digest": "e" * 64, "created_at": "", "sealed_at": None, "seal": None, "fault": "[no] disk",
        "waiting": [{"name": "chunk 3", "waited_seconds": 90.0, "why": "no node", "command": "start one"}],
    } | changes  # fmt: skip


def make_list(*pools: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"slug": "faces", "state": "preparing", "prepared_at": None, "items": list(pools)} | changes


def test_pools_are_shown_with_progress(run: Run, server: FakeServer) -> None:
    server.on("GET", f"{PATH}/pools", make_list(make_pool(), prepared_at="2030-01-01T00:00:00Z"))
    output = run("admin", "pools", "show", "faces").output
    assert all(words in output for words in ("3 of 9", "40 s", "[no] disk", "prepared, and opens by hand"))
    assert "stuck 90 s chunk 3: no node\n  helps: start one\n" in output


@pytest.mark.parametrize(("faults", "exit_code"), [([], 0), (["it is damaged"], 2)])
def test_verifying_fails_when_something_was_changed(
    run: Run, server: FakeServer, faults: list[str], exit_code: int
) -> None:
    item = {"pool": make_pool(state="sealed", seal="ab" * 32), "faults": faults}
    server.on("POST", f"{PATH}/pools/verify", {"intact": not faults, "items": [item]})
    result = run("admin", "pools", "verify", "faces")
    assert (result.exit_code, (faults or ["as it was sealed"])[0] in result.output) == (exit_code, True)


def test_what_is_prepared_is_activated(run: Run, server: FakeServer) -> None:
    server.on("GET", f"{PATH}/pools", make_list(make_pool()))
    server.on("POST", f"{PATH}/state", {"slug": "faces", "state": "open"})
    assert "faces is open" in run("admin", "pools", "activate", "faces", "--because", "we begin").output


def test_what_is_frozen_is_not_activated(run: Run, server: FakeServer) -> None:
    server.on("GET", f"{PATH}/pools", make_list(make_pool(), state="frozen"))
    result = run("admin", "pools", "activate", "faces", "--because", "we begin")
    assert (result.exit_code, "faces is frozen: only preparing ones" in result.output) == (1, True)


def test_a_pool_without_a_seal_is_no_fault(run: Run, server: FakeServer) -> None:
    server.on("POST", f"{PATH}/pools/verify", {"intact": True, "items": [{"pool": make_pool(), "faults": []}]})
    result = run("admin", "pools", "verify", "faces")
    assert (result.exit_code, "sealed without a record" in result.output) == (0, True)


def test_pools_are_retired(run: Run, server: FakeServer) -> None:
    old = make_pool(state="retired")
    server.on("GET", f"{PATH}/pools", make_list(old, make_pool(), make_pool()))
    server.on("POST", f"{PATH}/pools/retire", make_list(old, make_pool(state="retired"), make_pool()))
    assert (
        "1 pools of faces were retired; 2 are"
        in run("admin", "pools", "retire", "faces", "--because", "it is over").output
    )
