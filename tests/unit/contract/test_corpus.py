"""Every habit of the corpus comes out as the table says, and terminal, site and sandbox agree."""

import base64
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.submissions.intake import Intake
from api.submissions.reading import make_reading
from cli.app import app
from core.domain.errors import ParticipantFault
from core.domain.intake.reading import DEFAULT_LIMIT_BYTES, read_submission
from core.domain.intake.report import ENTRY_FILE
from tests.corpus import FOLDER, PAGE, RAW, ROOT, Habit, find_outcome, list_habits, load_outcomes, write_page

HABITS = list_habits()
INTAKE = Intake(DEFAULT_LIMIT_BYTES, partial(read_submission, limit_bytes=DEFAULT_LIMIT_BYTES))
# What fails once it runs, and nobody can say so before.
FAILS_LATER: dict[str, str] = {}


def by_file(habit: Habit) -> str:
    return habit.file


def test_there_are_many_habits_and_no_file_without_one() -> None:
    kept = {path.name.removesuffix(RAW) for path in FOLDER.iterdir()} - {"habits.toml", "outcomes.json"}
    assert kept == {habit.file for habit in HABITS}
    assert len(kept) >= 150


@pytest.mark.parametrize("habit", HABITS, ids=by_file)
def test_a_habit_comes_out_as_the_table_says(habit: Habit) -> None:
    """Made again by `python -m tests.corpus`; look at the difference before it is kept."""
    assert find_outcome(habit) == load_outcomes()[habit.file]


def test_the_page_of_what_runs_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page(load_outcomes())


def test_site_and_terminal_say_the_same(tmp_path: Path) -> None:
    outcomes = load_outcomes()
    runner = CliRunner()
    for habit in HABITS:
        outcome = outcomes[habit.file]
        reading = make_reading(habit.file, habit.content, INTAKE)
        assert (reading.ok, reading.code or "runs") == (outcome["verdict"] == "runs", outcome["verdict"]), habit.file
        assert reading.reason == outcome.get("message", "")
        (tmp_path / habit.file).write_bytes(habit.content)
        typed = runner.invoke(app, ["validate", str(tmp_path / habit.file), "--json"])
        said = json.loads(typed.stdout)
        assert (said["ok"], said.get("message", "")) == (reading.ok, reading.reason), habit.file


def test_the_sandbox_imports_what_is_accepted_and_fails_on_what_is_refused(tmp_path: Path) -> None:
    work = dict(_pack(HABITS))
    (tmp_path / "work.json").write_text(json.dumps(work), encoding="ascii")
    command = [sys.executable, "-m", "tests.unit.contract.corpus_box", str(tmp_path / "work.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    accepted = {name: outcome for name, outcome in found.items() if not name.startswith("raw:")}
    assert {name: outcome for name, outcome in accepted.items() if outcome not in ("ran", "imported")} == FAILS_LATER
    refused = {name.removeprefix("raw:") for name, outcome in found.items() if outcome in ("ran", "imported")}
    assert refused <= accepted.keys()


def _pack(habits: list[Habit]) -> list[tuple[str, dict[str, str]]]:
    """What was made of each accepted file; of each refused single file, the file itself."""
    packed = []
    for habit in habits:
        try:
            files = dict(read_submission(habit.file, habit.content).files)
            name = habit.file
        except ParticipantFault:
            if not habit.file.endswith(".py"):
                continue
            files, name = {ENTRY_FILE: habit.content}, f"raw:{habit.file}"
        packed.append((name, {path: base64.b64encode(content).decode() for path, content in files.items()}))
    return packed
