import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
PROBLEM = {
    "competition": "digits",
    "title": "Digits",
    "replicas": 256,
    "compute_budget": 0.1,
    "memory_bytes": 2 << 30,
    "scratch_bytes": 64 << 20,
    "log_bytes": 64 << 10,
    "processes": 64,
    "wall_seconds_floor": 10.0,
    "wall_seconds_ceiling": 600.0,
}
RUNTIME = {
    "python": "3.11",
    "image": "lacuna-sandbox:dev",
    "sandbox": "auto",
    "device": "cpu",
    "node_class": "cpu",
    "libraries": [{"name": "torch", "version": "2.13.0"}],
    "observed": {"sandbox": "bubblewrap", "node_class": "cpu", "versions": [{"name": "numpy", "version": "2.4.6"}]},
    "problems": [PROBLEM],
}


@pytest.fixture
def server(server: FakeServer) -> FakeServer:
    server.on("GET", "/runtime", RUNTIME)
    hint = {"code": "EXCEPTION", "verdict": "runtime_error", "hint": "see `lacuna doctor`"}
    server.on("GET", "/error-codes", {"items": [hint]})
    return server


def test_libraries_and_limits_are_listed(run: Run, server: FakeServer) -> None:
    text = run("runtime").stdout
    for shown in ("Python 3.11; torch 2.13.0", "newest score: bubblewrap on cpu, numpy 2.4.6", "2048 MiB", "10–600 s"):
        assert shown in text


def test_a_server_without_scores_says_nothing_of_the_last_one(run: Run, server: FakeServer) -> None:
    server.on("GET", "/runtime", RUNTIME | {"observed": None})
    assert "newest score" not in run("runtime").stdout


def test_error_codes_come_with_their_hints(run: Run, server: FakeServer) -> None:
    assert "see `lacuna doctor`" in run("runtime", "--codes").stdout


def test_as_json_it_is_what_the_server_said(run: Run, server: FakeServer) -> None:
    assert json.loads(run("runtime", "--json").stdout) == RUNTIME
