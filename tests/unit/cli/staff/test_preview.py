from collections.abc import Callable
from typing import Any

import pytest

from cli.staff import preview
from tests.unit.cli.fakes import FakeServer

Run = Callable[..., Any]
PATH = "/admin/competitions/faces/preview"


def make_answer(**changes: Any) -> dict[str, Any]:
    item = {
        "role": "public", "made_at": "2030-01-01T00:00:00Z", "fault": "", "classes": ["cat", "dog"],
        "counts": {"retain": [40, 44], "forget": [5, 7]}, "forget": {"kind": "random", "count": 12, "digest": "d"},
        "pools": [{"kind": "retrained", "models": 256, "seconds": 900.0}], "samples": [],
    } | changes  # fmt: skip
    return {"slug": "faces", "workers": 2, "items": [item]}


def test_a_preview_is_waited_for(run: Run, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "POLL_SECONDS", 0.0)
    server.on("POST", PATH, make_answer(made_at=None))
    server.on("GET", PATH, make_answer(made_at=None), make_answer())
    output = run("admin", "preview", "faces").output
    assert "12 examples to forget" in output
    assert "retrained: 256 models, about 15 min of one worker" in output
    assert "on the 2 there are now" in output


def test_models_that_learn_nothing_are_a_warning(run: Run, server: FakeServer) -> None:
    learning = {"retrained_retain": 0.2, "retrained_test": 0.15, "original_test": 0.9, "guessing": 0.1, "models": 1}
    server.on("POST", PATH, make_answer(learning=learning | {"doubts": ["they have hardly learnt"]}))
    output = run("admin", "preview", "faces").output
    assert "warning: they have hardly learnt" in output


def test_a_preview_that_failed_on_our_side_does_not_say_that_the_problem_is_wrong(run: Run, server: FakeServer) -> None:
    server.on("POST", PATH, make_answer(fault="it failed on our side"))
    output = run("admin", "preview", "faces").output
    assert ("no preview of faces: it failed on our side" in output, "cannot be prepared" in output) == (True, False)


def test_what_cannot_be_prepared_is_exit_code_two(run: Run, server: FakeServer) -> None:
    server.on("POST", PATH, make_answer(fault="the forget request names class 99"))
    result = run("admin", "preview", "faces")
    assert (result.exit_code, "names class 99" in result.output) == (2, True)
