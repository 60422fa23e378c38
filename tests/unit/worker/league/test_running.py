from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.domain.errors import PlatformFault
from core.domain.faults import FaultCode
from core.domain.submission import Verdict
from core.settings import Settings
from tests.tiny_problems import make_tiny_spec
from tests.unit.worker.reports import make_record
from worker.league import running
from worker.league.rows import Entry
from worker.league.running import League, run_league
from worker.local_evaluation import LocalEvaluation

RUNTIME = make_record().relative_runtime


class Machine:
    """The platform's own evaluation, faked; what it was asked for is kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.broken = False

    def evaluate(self, spec: Any, files: Any, **options: Any) -> LocalEvaluation:
        name = files["submission.py"].decode()
        self.asked.append((name, options))
        options["on_progress"]("replicas", 1, 16)
        if self.broken:
            raise PlatformFault("no room")
        if name == "fails":
            return make_result(Verdict.RUNTIME_ERROR, code=FaultCode.EXCEPTION, reason="ValueError: no")
        over = RUNTIME.model_copy(update={"over_budget": name == "dear"})
        return make_result(Verdict.SCORED, scorecard=make_record(relative_runtime=over.model_dump()))


def make_result(verdict: Verdict, **changes: Any) -> LocalEvaluation:
    facts: dict[str, Any] = {
        **{"code": None, "reason": "", "log": "", "traceback": "", "scorecard": None, "detail": None},
        "relative_runtime": None,
    }
    return LocalEvaluation(verdict=verdict, **(facts | changes))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    fake = Machine()
    monkeypatch.setattr(running, "evaluate_submission", fake.evaluate)
    monkeypatch.setattr(running, "open_bench", lambda *_: None)
    monkeypatch.setattr(running, "calibrate", lambda *_, **__: None)
    monkeypatch.setattr(running, "make_references", lambda *_: ())
    return fake


def run(folder: Path, *names: str, replicas: int = 16, jobs: int = 1, **changes: Any) -> League:
    entries = [Entry(name, {"submission.py": name.encode()}) for name in names]
    return run_league(
        make_tiny_spec(**changes),
        entries,
        settings=Settings(data_folder=folder, workers=2),
        sandbox=SimpleNamespace(name="fake"),  # type: ignore[arg-type]
        replicas=replicas,
        folder=folder,
        jobs=jobs,
        render=lambda _, name: f"report of {name}",
        on_progress=lambda *_: None,
    )


def test_a_league_goes_on_where_it_was_stopped(machine: Machine, tmp_path: Path) -> None:
    run(tmp_path, "a", "b")
    league = run(tmp_path, "b", "c", "a")
    assert [name for name, _ in machine.asked] == ["a", "b", "c"]
    assert [row.name for row in league.rows] == ["b", "c", "a"]
    assert league.kept == 2


@pytest.mark.parametrize(
    "changes",
    [{"replicas": 17}, {"forget": {"kind": "random", "fraction": 1 / 6, "seed": 60}}],
    ids=["replicas", "request"],
)
def test_other_replicas_or_another_request_are_another_row(
    changes: dict[str, Any], machine: Machine, tmp_path: Path
) -> None:
    run(tmp_path, "a")
    assert run(tmp_path, "a", **changes).kept == 0
    assert len(machine.asked) == 2


def test_failures_and_what_is_too_dear_are_rows(machine: Machine, tmp_path: Path) -> None:
    fails, dear = run(tmp_path, "fails", "dear").rows
    assert (fails.verdict, fails.reason, fails.scorecard) == (Verdict.RUNTIME_ERROR, "ValueError: no", None)
    assert dear.verdict is Verdict.OVER_BUDGET
    assert dear.is_scored
    assert (tmp_path / dear.report).read_text() == "report of dear"


def test_the_gate_is_read_not_held_and_methods_share_the_cores(machine: Machine, tmp_path: Path) -> None:
    run(tmp_path, "a", "b", jobs=2)
    assert {options["gate"] for _, options in machine.asked} == {False}
    assert {options["settings"].workers for _, options in machine.asked} == {1}


def test_a_fault_of_ours_runs_again_the_next_time(machine: Machine, tmp_path: Path) -> None:
    machine.broken = True
    assert run(tmp_path, "a").rows[0].verdict is Verdict.PLATFORM_ERROR
    machine.broken = False
    assert run(tmp_path, "a").rows[0].verdict is Verdict.SCORED


def test_a_damaged_row_is_made_again(machine: Machine, tmp_path: Path) -> None:
    run(tmp_path, "a")
    (path,) = (tmp_path / "rows").glob("*.json")
    path.write_text(path.read_text()[:100])
    assert run(tmp_path, "a").kept == 0
