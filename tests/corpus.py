"""The corpus of habits: what is made of each file, and the page of it; `python -m tests.corpus` writes both."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domain.errors import ParticipantFault
from core.domain.intake.libraries import describe_libraries
from core.domain.intake.reading import read_submission
from core.domain.intake.report import Note, SubmissionFiles

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "fixtures" / "corpus"
OUTCOMES = FOLDER / "outcomes.json"
RAW = ".raw"
PAGE = ROOT / "docs" / "what-runs.md"
INTRODUCTION = """# What runs

What published files do, one habit a line, and what comes of it here. Each line is a file in `tests/fixtures/corpus`,
and this page is written from what the reader makes of them (`python -m tests.corpus`). A test reads every file in the
terminal's way, the site's and the sandbox's, and they agree: what is accepted gets past import there.
[What a submission is](submission.md) has the rules.

"Runs" means that the file is accepted; beside it stands what is said about it before it counts.
"""


@dataclass(frozen=True, slots=True)
class Habit:
    group: str
    file: str
    habit: str

    @property
    def content(self) -> bytes:
        """What is no text in UTF-8 is kept under a name that no tool takes for one."""
        raw = FOLDER / f"{self.file}{RAW}"
        return (raw if raw.exists() else FOLDER / self.file).read_bytes()


def list_habits() -> list[Habit]:
    return [Habit(**row) for row in tomllib.loads((FOLDER / "habits.toml").read_text(encoding="utf-8"))["habits"]]


def load_outcomes() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(OUTCOMES.read_text(encoding="utf-8"))
    return found


def find_outcome(habit: Habit) -> dict[str, Any]:
    """Everything that an author is told, in a form that can be kept."""
    try:
        read = read_submission(habit.file, habit.content)
    except ParticipantFault as fault:
        said = {"verdict": str(fault.code), "message": fault.message, "fix": fault.fix}
        return said | (_tell(fault.read) if fault.read is not None else {})
    return {"verdict": "runs", "files": sorted(read.files), **_tell(read), "batches": read.batch_form}


def write_page(outcomes: dict[str, dict[str, Any]]) -> str:
    parts, group = [INTRODUCTION], ""
    for habit in list_habits():
        if habit.group != group:
            group = habit.group
            parts.append(f"\n## {group}\n\n| habit | what comes of it |\n|---|---|\n")
        parts.append(f"| {_cell(habit.habit)} | {_cell(_describe(outcomes[habit.file], habit.file))} |\n")
    return "".join(parts)


def _tell(read: SubmissionFiles) -> dict[str, Any]:
    def tell(notes: tuple[Note, ...]) -> list[str]:
        return [str(note) for note in notes]

    notes = {"kept": tell(read.kept), "left_out": tell(read.left_out), "changed": tell(read.changed)}
    return {**notes, "warnings": list(read.warnings)}


def _describe(outcome: dict[str, Any], file: str) -> str:
    if outcome["verdict"] != "runs":
        message = outcome["message"].replace(f"; there is {describe_libraries()}", "")
        return f"refused, `{outcome['verdict']}`: {message.replace(f'{file}, ', '').replace(file, 'the file')}"
    said = [f"left out: {note}" for note in outcome["left_out"]] + [f"changed: {note}" for note in outcome["changed"]]
    said += [f"warning: {line}" for line in outcome["warnings"]]
    shown = "; ".join(said[:3]).replace(f"; there is {describe_libraries()}", "").replace(f"{file}, ", "")
    more = f"; and {len(said) - 3} more" if len(said) > 3 else ""
    return f"runs ({shown}{more})" if said else "runs"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;").replace("  ", " ")


def main() -> None:
    outcomes = {habit.file: find_outcome(habit) for habit in list_habits()}
    OUTCOMES.write_text(json.dumps(outcomes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(write_page(outcomes), encoding="utf-8")


if __name__ == "__main__":
    main()
