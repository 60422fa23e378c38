from collections.abc import Mapping
from pathlib import Path

import pytest

from core.domain.errors import InvalidInput
from core.domain.exposure import Exposure
from core.domain.intake.constants import list_constants
from core.domain.submission import Verdict
from tests.tiny_problems import make_tiny_spec
from tests.unit.worker.reports import make_record
from worker.league.tuning import Goal, Range, Search, Tried, make_ranges, search
from worker.local_evaluation import LocalEvaluation

SOURCE = "RATE, STEPS = 0.1, 3\n\n\ndef unlearning(net, a, b, c):\n    return net\n"
SPEC = make_tiny_spec()


class Machine:
    """A score that is best at a rate of 0.2; four steps or more cost too much, five fail."""

    def __init__(self) -> None:
        self.asked: list[dict[str, float]] = []

    def evaluate(self, files: Mapping[str, bytes]) -> LocalEvaluation:
        numbers = list_constants(files["submission.py"].decode()) | dict(_read_last(files["submission.py"].decode()))
        self.asked.append(numbers)
        steps, score = numbers["STEPS"], max(0.5 - abs(numbers["RATE"] - 0.2), 0.0)
        ends = {"estimate": score, "low": score, "high": score, "level": 0.95}
        record = None if steps >= 5 else make_record(score=ends)
        verdict = Verdict.RUNTIME_ERROR if steps >= 5 else Verdict.OVER_BUDGET if steps >= 4 else Verdict.SCORED
        return LocalEvaluation(verdict, None, "", "", "", record, None, 0.1)


def _read_last(source: str) -> list[tuple[str, float]]:
    return [(line.split(" = ")[0], float(line.split(" = ")[1])) for line in source.splitlines()[7:]]


def run(machine: Machine, folder: Path, *, trials: int, goal: Goal = Goal.SCORE, seconds: float = 60) -> Search:
    told: list[Tried] = []
    found = search(
        SPEC,
        SOURCE,
        {"RATE": Range(0.01, 1.0, is_log=True), "STEPS": Range(1, 6, is_log=False)},
        goal=goal,
        trials=trials,
        seconds=seconds,
        journal=folder / "tune.log",
        evaluate=machine.evaluate,
        on_trial=told.append,
    )
    assert len(told) == len(found.tried) - found.kept
    return found


def test_the_file_as_it_is_comes_first_and_the_best_is_within_the_budget(tmp_path: Path) -> None:
    machine = Machine()
    found = run(machine, tmp_path, trials=25)
    assert machine.asked[0] == {"RATE": 0.1, "STEPS": 3}
    assert found.best is not None
    assert found.best.verdict == Verdict.SCORED
    assert found.best.value is not None
    assert found.best.value >= 0.4
    over = [each.value for each in found.tried if each.verdict == Verdict.OVER_BUDGET]
    assert all(value is not None and value <= 0 for value in over)


def test_a_search_goes_on_where_it_was_stopped_and_ends_at_its_bound(tmp_path: Path) -> None:
    machine = Machine()
    run(machine, tmp_path, trials=3)
    found = run(machine, tmp_path, trials=5)
    assert (len(machine.asked), found.kept, len(found.tried)) == (5, 3, 5)
    assert run(machine, tmp_path, trials=5).kept == 5
    assert len(machine.asked) == 5


def test_another_goal_is_another_search(tmp_path: Path) -> None:
    machine = Machine()
    run(machine, tmp_path, trials=2)
    assert run(machine, tmp_path, trials=2, goal=Goal.AVG_GAP).kept == 0


def test_nothing_is_searched_on_what_ranks(tmp_path: Path) -> None:
    hidden = SPEC.model_copy(update={"exposure": Exposure.PUBLIC})
    with pytest.raises(InvalidInput, match="tiny is no practice problem"):
        search(
            hidden,
            SOURCE,
            {"RATE": Range(0.01, 1.0, is_log=True)},
            goal=Goal.SCORE,
            trials=1,
            seconds=1,
            journal=tmp_path / "tune.log",
            evaluate=Machine().evaluate,
            on_trial=lambda _: None,
        )


def test_every_positive_number_is_varied_unless_some_are_named() -> None:
    numbers = {"RATE": 0.1, "STEPS": 3, "POWER": -0.1, "OFF": 0}
    assert make_ranges(numbers, {}) == {"RATE": Range(0.025, 0.4, is_log=True), "STEPS": Range(1, 6, is_log=False)}
    asked = {"POWER": Range(-1.0, 0.0, is_log=False)}
    assert make_ranges(numbers, asked) == asked
    with pytest.raises(InvalidInput, match="no such number: RTAE"):
        make_ranges(numbers, {"RTAE": Range(0.0, 1.0, is_log=False)})
    with pytest.raises(InvalidInput, match="no number to look for"):
        make_ranges({}, {})
