"""`lacuna doctor --node` prints what was tried of a box, and fails where a worker would refuse work."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from core.domain.promises import Finding, Promise, Trial
from tests.unit.cli.fakes import FakeSandbox

Run = Callable[..., Any]
KEPT = tuple(Trial(promise, Finding.HELD) for promise in Promise)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    found = list(KEPT)
    known: dict[str, Any] = {
        "choose_sandbox": lambda _settings: FakeSandbox(),
        "try_promises": lambda _box: tuple(found),
    }
    for module in ("cli.here.evaluate", "cli.here.node_check"):
        monkeypatch.setattr(f"{module}.load", lambda _module, name: known[name])
    return found


@pytest.mark.usefixtures("trials")
def test_a_box_that_keeps_its_promises_passes(run: Run) -> None:
    result = run("doctor", "--node")
    assert result.exit_code == 0
    assert "what fake promises" in result.stdout
    assert "a worker here takes all problems" in result.stdout


def test_a_broken_promise_fails_and_says_what_got_through(run: Run, trials: list[Trial]) -> None:
    trials[0] = Trial(Promise.NETWORK, Finding.BROKEN, "opened a socket of family 2")
    result = run("doctor", "--node")
    assert result.exit_code == 4
    assert "not held: opened a socket of family 2" in " ".join(result.stdout.split())
    assert "a worker here refuses work: fake does not keep what a box promises: no network" in result.stderr


def test_programs_read_the_same(run: Run, trials: list[Trial]) -> None:
    trials[-1] = Trial(Promise.NAMES, Finding.UNPROMISED)
    told = json.loads(run("doctor", "--node", "--json").stdout)
    assert (told["ok"], told["sandbox"], len(told["promises"])) == (True, "fake", len(Promise))
    assert told["promises"][-1]["finding"] == "not promised by this backend"


def test_without_a_file_it_says_what_to_give(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 1
    assert "--node" in result.stderr
