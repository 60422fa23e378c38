"""Lines that a notebook's shell understands and Python does not: the Python they carry stays, the rest goes by name."""

import re
import textwrap

from core.domain.intake.python_text import parse_quietly
from core.domain.intake.report import Note, show

PYTHON_CELL_MAGICS = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "py", "memit", "debug"})
# Whatever follows these is for another program, though it may read like Python.
FOREIGN_CELL_MAGICS = frozenset(
    "! ai bash bigquery cmd cython file html javascript js latex markdown mermaid perl pypy python2 r ruby script sh"  # noqa: SIM905
    " shell sql svg sx system writefile".split()
)
MAGIC_LINE = re.compile(r"^\s*(!|%|\?|[\w.\]\[()'\"]+\?{1,2}\s*;?\s*$)")
PLAIN_MAGIC_LINE = re.compile(r"^\s*(!|%%?[A-Za-z])")
MAGIC_ASSIGNMENT = re.compile(r"^(\s*)([\w.,\s\[\]]+?)\s*=\s*[!%](.*)$")
# The line magics that run what follows them here and keep what it binds.
PYTHON_LINE = re.compile(r"^(\s*(?:[\w.,\s\[\]]+?\s*=\s*)?)%(?:time|prun|memit)[ \t]+(?![-\s])(.+)$")
# Typed without a sign: the shell knows these words, Python does not.
BARE_COMMAND = re.compile(
    r"^\s*((pip3?|conda|mamba|apt|apt-get|git)\s+(-\w+\s+)*[a-z]\S*|(cd|ls|mkdir|rm|cp|mv|cat|wget|unzip|curl)\s+[\w./~-].*)"
)
CARRIED = "the magic alone; the Python that it carries stays"
PARSE_BUDGET_CHARACTERS = 2 << 20  # each shell line costs one more parse of its cell


def carries_python(magic: str, rest: str) -> bool:
    """Whether a cell under `%%magic` is Python that runs here; of an unknown one its text says so."""
    if magic in PYTHON_CELL_MAGICS:
        return True
    return bool(magic) and magic.lower() not in FOREIGN_CELL_MAGICS and _parses(rest)


def strip_magics(text: str, label: str) -> tuple[str, dict[int, Note]]:
    """Take shell and magic lines out, keeping line numbers; text that parses has none.

    The parser names the line it trips over, so a `%` that continues a sum or a `!` inside a text is never touched.
    """
    left_out: dict[int, Note] = {}
    lines = text.split("\n")
    for _ in range(max(8, min(len(lines), PARSE_BUDGET_CHARACTERS // (len(text) + 1)))):
        broken = _find_broken_line("\n".join(lines))
        place = _find_magic_at_or_before(lines, broken) if broken else None
        if place is None:
            return "\n".join(lines), left_out
        left_out[place + 1] = _take_out(lines, place, label)
    for place, line in enumerate(lines):  # more of them than can be had one by one
        if PLAIN_MAGIC_LINE.match(line):
            left_out[place + 1] = _take_out(lines, place, label)
    return "\n".join(lines), left_out


def _parses(text: str) -> bool:
    """As Python, shell lines aside."""
    try:
        return bool(parse_quietly(strip_magics(textwrap.dedent(text), "")[0]).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _find_broken_line(text: str) -> int | None:
    try:
        parse_quietly(text)
    except SyntaxError as error:
        return min(error.lineno or 1, text.count("\n") + 1)
    except (RecursionError, MemoryError, ValueError):
        return None
    return None


def _find_magic_at_or_before(lines: list[str], broken: int) -> int | None:
    """The line itself, or the nearest one above it whose open bracket or quote broke it."""
    if BARE_COMMAND.match(lines[broken - 1]):
        return broken - 1
    for place in range(broken - 1, -1, -1):
        if MAGIC_LINE.match(lines[place]) or MAGIC_ASSIGNMENT.match(lines[place]):
            return place
    return None


def _take_out(lines: list[str], place: int, label: str) -> Note:
    line = lines[place]
    where = f"{label}, line {place + 1}" if label else f"line {place + 1}"
    carried = PYTHON_LINE.match(line)
    if carried:
        lines[place] = carried.group(1) + carried.group(2)
        return Note(where, show(line), CARRIED)
    last, goes_on = place, line.rstrip().endswith("\\")
    while goes_on and last + 1 < len(lines):
        last += 1
        goes_on = lines[last].rstrip().endswith("\\")
        lines[last] = ""
    assignment = MAGIC_ASSIGNMENT.match(line)
    indent = _choose_indent(lines, place)
    if assignment:  # stays an assignment of something unknown, so that its users are found
        lines[place] = f"{indent}{assignment.group(2)} = get_ipython()"
    else:
        lines[place] = f"{indent}pass"
    return Note(where, show(line), "a shell or notebook command")


def _choose_indent(lines: list[str], place: int) -> str:
    """A shell line may be indented where Python must not be."""
    own = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
    above = next((line for line in reversed(lines[:place]) if line.strip()), "")
    above_indent = above[: len(above) - len(above.lstrip())]
    return own if above.rstrip().endswith(":") or len(own) <= len(above_indent) else above_indent
