from collections.abc import Callable
from typing import Any

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
KEY = {"name": "gpu-1", "purposes": ["practice", "ranked"], "created_at": "2026-11-30T10:00:00Z", "rotated_at": None}
KEY |= {"revoked_at": None}


def test_a_new_node_gets_the_line_that_its_machine_runs(run: Run, server: FakeServer) -> None:
    server.on("POST", "/admin/node-keys", {**KEY, "token": "lcn_secret"})
    shown = run("admin", "node", "add", "gpu-1", "--only", "practice", "--only", "ranked", "--because", "new")
    assert shown.exit_code == 0, shown.output
    assert "gpu-1 may run: practice, ranked" in shown.output
    assert "lacuna node join" in shown.output
    assert "lcn_secret" in shown.output


def test_keys_are_listed_without_their_secrets_and_ended(run: Run, server: FakeServer) -> None:
    server.on("GET", "/admin/node-keys", {"items": [KEY]})
    assert "gpu-1" in run("admin", "node", "list").output
    server.on("POST", "/admin/node-keys/gpu-1/revoke", {**KEY, "revoked_at": "2026-11-30T11:00:00Z"})
    assert "nobody works as gpu-1 any more" in run("admin", "node", "revoke", "gpu-1", "--because", "sold").output
    server.on("POST", "/admin/node-keys/gpu-1/rotate", {**KEY, "token": "lcn_next"})
    assert "lcn_next" in run("admin", "node", "rotate", "gpu-1", "--because", "lost").output
