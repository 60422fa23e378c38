"""What reading an upload gives: the files that run, and a full account of what was done to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ENTRY_FILE = "submission.py"
ENTRY_FUNCTION = "unlearning"
PREPARE_FUNCTION = "prepare"
# The same tuple is in sandbox.contract, which the domain may not import; a test holds them together.
OPTIONAL_PARAMETERS = ("device", "seed", "num_classes", "budget_seconds")
ARGUMENT_HINTS = ("retain", "forget", "val")  # what the loaders are called, in our order

SHOWN_CHARACTERS = 80


class Origin(StrEnum):
    """What was uploaded."""

    FILE = "file"  # all of it runs
    ARCHIVE = "archive"
    SCRIPT = "script"  # a .py written like a notebook
    NOTEBOOK = "notebook"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing the reader kept, left out or changed, with its place and first line."""

    where: str
    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.source}  [{self.reason}]"


@dataclass(frozen=True, slots=True)
class Brought:
    """Bytes of what reads like a table, by where it is, and how many statements there are beside it."""

    numbers: int = 0
    texts: int = 0
    names: int = 0
    comments: int = 0
    rows: int = 0  # of statements
    files: int = 0  # that are no code
    statements: int = 0  # of different shapes: a row of one shape is no more code than its first

    @property
    def total(self) -> int:
        return self.numbers + self.texts + self.names + self.comments + self.rows + self.files


@dataclass(frozen=True, slots=True)
class SubmissionFiles:
    files: Mapping[str, bytes]
    origin: Origin
    kept: tuple[Note, ...] = ()
    left_out: tuple[Note, ...] = ()
    changed: tuple[Note, ...] = ()
    warnings: tuple[str, ...] = ()
    data_bytes: int = 0  # what it brings beside code: core.domain.intake.data
    brought: Brought = field(default_factory=Brought)  # what of it reads like a table: core.domain.intake.density
    batch_form: str = ""  # the one it reads, if its text tells: core.domain.intake.batches
    batch_source: str = ""
    input_source: str = ""  # where it reads what the hosts of 2023 had: core.domain.intake.hosted
    must_have_input: bool = False  # it does so whenever it is called


def show(text: str) -> str:
    """First line of foreign text, printable and short: it goes to terminals, logs and pages."""
    lines = text.strip().splitlines() or [""]
    clean = "".join(letter if letter.isprintable() else "�" for letter in lines[0])
    if len(clean) > SHOWN_CHARACTERS:
        return clean[:SHOWN_CHARACTERS] + " …"
    return clean + (" …" if len(lines) > 1 else "")


def list_names(names: list[str]) -> str:
    """A few names in one readable line."""
    shown = ", ".join(show(name) for name in names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
