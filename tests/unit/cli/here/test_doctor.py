import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.here.probe import MARK
from core.domain.faults import FaultCode
from tests.unit.cli.fakes import FakeRun, FakeSandbox

Run = Callable[..., Any]


def make_probe(**changes: Any) -> str:
    said = {"returned": "the network", "training": False, "dtypes": ["float32"], "same_schema": True} | changes
    return f"epoch 1\n{MARK}{json.dumps(said)}\n"


class Home:
    def __init__(self) -> None:
        self.runs = [FakeRun(0.0, log=make_probe()), FakeRun(1.0, log=make_probe())]
        self.retrains = [
            FakeRun(0.0, wall_seconds=1.0, cpu_seconds=1.0),
            FakeRun(1.0, wall_seconds=1.2, cpu_seconds=1.1),
        ]
        self.idles = [FakeRun(wall_seconds=0.0, cpu_seconds=0.0) for _ in range(2)]
        self.seeds: list[tuple[int, ...]] = []

    def load(self, module: str, name: str) -> Any:
        known: dict[str, Any] = {
            "run_replicas_locally": self.run,
            "choose_sandbox": lambda _settings: FakeSandbox(),
            "make_calibration_source": lambda filename, _spec: filename.encode(),
        }
        return known[name]

    def run(self, _spec: Any, files: dict[str, bytes], *, seeds: tuple[int, ...], **_options: Any) -> list[FakeRun]:
        self.seeds.append(seeds)
        known = {b"retrain.py": self.retrains, b"identity.py": self.idles}
        return known.get(files["submission.py"], self.runs)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Home:
    fake = Home()
    monkeypatch.setattr("cli.here.doctor.load", fake.load)
    monkeypatch.setattr("cli.here.evaluate.load", fake.load)
    return fake


def test_a_healthy_submission_gets_its_figures(run: Run, good: Path, home: Home) -> None:
    result = run("doctor", good)
    assert result.exit_code == 0
    assert "5.0 % of a budget of 10.0 %" in result.stdout
    assert "all 256 replicas" in result.stdout
    assert "retain 90.0 %, forget 80.0 %, test 70.0 %" in result.stdout
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


def test_a_run_over_the_budget_fails(run: Run, good: Path, home: Home) -> None:
    home.runs = [FakeRun(float(i), wall_seconds=0.1, cpu_seconds=0.2, log=make_probe()) for i in range(2)]
    result = run("doctor", good)
    assert result.exit_code == 3
    assert "warning: a run costs 20.0 % of a retraining" in result.stdout


def test_what_starting_a_run_costs_is_taken_off(run: Run, good: Path, home: Home) -> None:
    home.idles = [FakeRun(wall_seconds=0.04, cpu_seconds=0.05) for _ in range(2)]
    home.runs = [FakeRun(float(i), wall_seconds=0.04, cpu_seconds=0.1, log=make_probe()) for i in range(2)]
    relative = json.loads(run("doctor", good, "--json").stdout)["relative_runtime"]
    assert relative == pytest.approx(0.05 / 0.95)


def test_a_busy_neighbour_does_not_count(run: Run, good: Path, home: Home) -> None:
    home.runs = [FakeRun(float(i), wall_seconds=0.9, cpu_seconds=0.05, log=make_probe()) for i in range(2)]
    assert json.loads(run("doctor", good, "--json").stdout)["relative_runtime"] == pytest.approx(0.05)


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
