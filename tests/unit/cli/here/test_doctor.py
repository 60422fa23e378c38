import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.here.probe import MARK
from core.domain.faults import FaultCode
from core.domain.runtime import CpuClock
from evaluator.runtime import RelativeRuntime
from sandbox.kinds.known import KINDS
from tests.unit.cli.fakes import FakeRun, FakeSandbox
from worker.local import LocalCost

Run = Callable[..., Any]


def make_probe(**changes: Any) -> str:
    said = {"returned": "the network", "training": False, "dtypes": ["float32"], "same_schema": True} | changes
    return f"epoch 1\n{MARK}{json.dumps(said)}\n"


class Home:
    def __init__(self) -> None:
        self.runs = [FakeRun(0.0, log=make_probe()), FakeRun(1.0, log=make_probe())]
        self.cost = LocalCost(RelativeRuntime(0.05, 0.04, 0.06, 0.9), CpuClock.CGROUP, 1.0)
        self.seeds: list[tuple[int, ...]] = []

    def load(self, module: str, name: str) -> Any:
        known: dict[str, Any] = {
            "run_replicas_locally": self.run,
            "choose_sandbox": lambda _settings: FakeSandbox(),
            "measure_cost": lambda *_arguments, **_options: self.cost,
            "KINDS": KINDS,
        }
        return known[name]

    def run(self, _spec: Any, _files: dict[str, bytes], *, seeds: tuple[int, ...], **_options: Any) -> list[FakeRun]:
        self.seeds.append(seeds)
        return self.runs

    def set_runtime(self, *bounds: float) -> None:
        self.cost = replace(self.cost, runtime=RelativeRuntime(*bounds, level=0.9))


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Home:
    fake = Home()
    monkeypatch.setattr("cli.here.doctor.load", fake.load)
    monkeypatch.setattr("cli.here.evaluate.load", fake.load)
    return fake


def test_a_healthy_submission_gets_its_figures(run: Run, good: Path, home: Home) -> None:
    result = run("doctor", good)
    assert result.exit_code == 0
    assert "5.0 % (4.0 % to 6.0 %) of a budget of 10.0 % (all processor time of the box)" in result.stdout
    assert "all 256 replicas" in result.stdout
    assert "accuracy: retain 90.0 %, forget 80.0 %, test 70.0 %" in result.stdout
    assert "epoch 1" in result.stdout
    assert "warning" not in result.stdout
    assert MARK not in result.stdout


def test_the_two_runs_have_different_seeds(run: Run, good: Path, home: Home) -> None:
    run("doctor", good)
    assert len(set(home.seeds[0])) == 2


def test_equal_outputs_are_warned_about(run: Run, good: Path, home: Home) -> None:
    home.runs = [FakeRun(0.0, log=make_probe()), FakeRun(0.0, log=make_probe())]
    result = run("doctor", good)
    assert result.exit_code == 0
    assert "warning: both runs gave the same network" in result.stdout


def test_a_run_that_is_surely_over_the_budget_fails(run: Run, good: Path, home: Home) -> None:
    home.set_runtime(0.2, 0.18, 0.22)
    result = run("doctor", good)
    assert result.exit_code == 3
    assert "warning: a run costs 20.0 % of a retraining, surely more than 18.0 %" in result.stdout


def test_a_run_that_may_be_over_the_budget_is_warned_about_and_passes(run: Run, good: Path, home: Home) -> None:
    home.set_runtime(0.11, 0.09, 0.13)
    result = run("doctor", good)
    assert result.exit_code == 0
    assert "warning: a run may cost up to 13.0 %" in result.stdout


def test_a_cost_that_no_yardstick_told_is_said_to_be_unknown(run: Run, good: Path, home: Home) -> None:
    home.cost = replace(home.cost, runtime=None)
    result = run("doctor", good)
    assert result.exit_code == 0
    assert "an unknown part of a budget" in result.stdout
    assert json.loads(run("doctor", good, "--json").stdout)["relative_runtime"] is None


def test_what_the_figures_are_made_of_is_told_to_programs(run: Run, good: Path, home: Home) -> None:
    told = json.loads(run("doctor", good, "--json").stdout)
    assert [told[name] for name in ("relative_runtime", "low", "high", "clock")] == [0.05, 0.04, 0.06, "cgroup"]


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"training": True}, "train mode"),
        ({"dtypes": ["float16", "float32"]}, "float16"),
        ({"returned": "nothing"}, "returned nothing"),
    ],
)
def test_how_the_network_came_back_is_noted(run: Run, good: Path, home: Home, changes: Any, note: str) -> None:
    home.runs[0].log = make_probe(**changes)
    assert note in run("doctor", good).stdout


def test_a_fault_shows_traceback_and_prints_and_skips_the_retraining(run: Run, good: Path, home: Home) -> None:
    home.runs = [FakeRun(fault=FaultCode.EXCEPTION, reason="KeyError: 'x'", traceback="line 7", log="before\n")]
    result = run("doctor", good)
    assert result.exit_code == 3
    assert "error: EXCEPTION: KeyError: 'x'" in result.stderr
    assert "hint: " not in result.stderr  # it would say to run what was just run
    assert "line 7" in result.stdout
    assert "before" in result.stdout
    assert len(home.seeds) == 1


def test_a_fault_of_the_file_itself_is_a_rejection(run: Run, good: Path, home: Home) -> None:
    home.runs = [FakeRun(fault=FaultCode.SIGNATURE_MISMATCH, reason="takes 3")]
    result = run("doctor", good, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "ok": False,
        "code": "SIGNATURE_MISMATCH",
        "reason": "takes 3",
        "traceback": "",
        "log": "",
    }


def test_a_sandbox_that_breaks_is_ours(run: Run, good: Path, home: Home) -> None:
    home.runs = [FakeRun(platform_fault="the sandbox died")]
    result = run("doctor", good)
    assert result.exit_code == 4
    assert "the sandbox died" in result.stderr


def test_a_sandbox_that_ends_early_is_ours(run: Run, good: Path, home: Home) -> None:
    home.runs = []
    assert run("doctor", good).exit_code == 4


def test_a_file_that_does_not_pass_validation_is_not_run(run: Run, tmp_path: Path, home: Home) -> None:
    path = tmp_path / "bad.py"
    path.write_text("def unlearning(:")
    assert run("doctor", path).exit_code == 2
    assert home.seeds == []
