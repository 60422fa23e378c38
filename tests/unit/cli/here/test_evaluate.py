import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.show.lazy import load
from core.domain.errors import PlatformFault
from core.domain.faults import FaultCode
from core.domain.submission import Verdict
from tests.unit.cli.fakes import FakeEvaluation, FakeSandbox

Run = Callable[..., Any]
FAILED = FakeEvaluation(
    verdict=Verdict.RUNTIME_ERROR,
    code=FaultCode.EXCEPTION,
    reason="ValueError: no",
    log="epoch 1",
    traceback="Traceback (most recent call last):\n  line 3",
    scorecard=None,
    relative_runtime=None,
)


class Home:
    """The machine's own sandbox and scoring, faked; the report is the real one."""

    def __init__(self) -> None:
        self.found = FakeEvaluation()
        self.calls: list[dict[str, Any]] = []
        self.sandboxes: list[str] = []
        self.obstacle = ""

    def load(self, module: str, name: str) -> Any:
        known = {"evaluate_submission": self.evaluate, "choose_sandbox": self.choose}
        return known.get(name) or load(module, name)

    def choose(self, settings: Any) -> FakeSandbox:
        self.sandboxes.append(settings.sandbox)
        if self.obstacle:
            raise PlatformFault(self.obstacle)
        return FakeSandbox()

    def evaluate(self, spec: Any, files: Any, **options: Any) -> FakeEvaluation:
        self.calls.append({"problem": spec.slug, "files": files, **options})
        options["on_progress"]("replicas", 256, 256)
        return self.found


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Home:
    fake = Home()
    monkeypatch.setattr("cli.here.evaluate.load", fake.load)
    return fake


def test_a_scored_submission_shows_its_scorecard_and_leaves_a_report(
    run: Run, good: Path, home: Home, tmp_path: Path
) -> None:
    result = run("evaluate", good)
    assert result.exit_code == 0
    for part in ("0.185 ± 0.029", "0.973", "0.021", "8.1 / 98.9 / 94.0", "8.7 % of a budget of 10.0 %", "scored"):
        assert part in result.stdout
    report = (tmp_path / "good-report.html").read_text()
    assert "0.160 to 0.214" in report
    assert "Where the points were won and lost" in report
    assert "256/256" in result.stderr


def test_a_run_of_other_replicas_than_the_problems_says_that_it_does_not_compare(
    run: Run, good: Path, home: Home
) -> None:
    assert "do not compare" in run("evaluate", good, "--replicas", 32).stderr
    assert "do not compare" not in run("evaluate", good, "--replicas", 256).stderr


def test_options_reach_the_scoring(run: Run, good: Path, home: Home, tmp_path: Path) -> None:
    target = tmp_path / "out.html"
    run("evaluate", good, "--replicas", 32, "--no-gate", "--sandbox", "bubblewrap", "--report", target)
    call = home.calls[0]
    assert (call["problem"], call["replicas"], call["gate"]) == ("digits", 32, False)
    assert set(call["files"]) == {"submission.py"}
    assert home.sandboxes == ["bubblewrap"]
    assert target.exists()


def test_json_is_all_that_stdout_gets(run: Run, good: Path, home: Home) -> None:
    told = json.loads(run("evaluate", good, "--json").stdout)
    assert told["verdict"] == "scored"
    assert told["scorecard"]["score"]["estimate"] == 0.185


def test_a_failure_shows_reason_traceback_and_prints(run: Run, good: Path, home: Home, tmp_path: Path) -> None:
    home.found = FAILED
    result = run("evaluate", good)
    assert result.exit_code == 3
    assert "EXCEPTION: ValueError: no" in result.stderr
    assert "line 3" in result.stdout
    assert "epoch 1" in result.stdout
    assert "ValueError: no" in (tmp_path / "good-report.html").read_text()


def test_a_fault_without_a_traceback_comes_with_its_hint(run: Run, good: Path, home: Home) -> None:
    home.found = replace(FAILED, code=FaultCode.OUTPUT_NOT_FINITE, traceback="")
    assert "hint: The result holds NaN" in run("evaluate", good).stderr


def test_an_entry_over_the_budget_fails_but_shows_its_scorecard(run: Run, good: Path, home: Home) -> None:
    home.found = FakeEvaluation(
        verdict=Verdict.OVER_BUDGET, code=FaultCode.COMPUTE_BUDGET, reason="the runs cost 30 % of retraining"
    )
    result = run("evaluate", good)
    assert result.exit_code == 3
    assert "over budget" in result.stdout
    assert "30 %" in result.stderr


def test_a_bad_file_never_reaches_a_sandbox(run: Run, tmp_path: Path, home: Home) -> None:
    path = tmp_path / "bad.py"
    path.write_text("x = 1\n")
    assert run("evaluate", path).exit_code == 2
    assert home.calls == []


def test_no_sandbox_is_our_fault_in_one_line(run: Run, good: Path, home: Home) -> None:
    home.obstacle = "bubblewrap is not installed: apt-get install bubblewrap"
    result = run("evaluate", good)
    assert result.exit_code == 4
    assert result.stderr.strip() == f"error: {home.obstacle}"


def test_an_unknown_problem_is_one_line(run: Run, good: Path, home: Home) -> None:
    result = run("evaluate", good, "--problem", "nope")
    assert result.exit_code == 1
    assert "no problem named 'nope'" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_report_that_cannot_be_written_is_one_line(run: Run, good: Path, home: Home, tmp_path: Path) -> None:
    result = run("evaluate", good, "--report", tmp_path / "no" / "where.html")
    assert result.exit_code == 1
    assert "cannot write" in result.stderr
    assert home.calls == []  # said before minutes of work, not after


def test_ctrl_c_ends_with_130(run: Run, good: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(home, "evaluate", interrupt)
    result = run("evaluate", good)
    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_a_full_disk_is_one_line(run: Run, good: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_arguments: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device", "/data/store")

    monkeypatch.setattr(home, "evaluate", fill)
    result = run("evaluate", good)
    assert result.exit_code == 1
    assert result.stderr.strip() == "error: /data/store: No space left on device"
