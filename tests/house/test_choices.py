"""Choices are members of enums, never strings: a misspelled state decides silently for the wrong side."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.competition import CompetitionState
from core.domain.exposure import Exposure
from core.domain.leaderboard import Place, Purpose
from core.domain.phases import PhaseKind, PhaseState
from core.domain.pools import PoolState
from core.domain.rejudge import RejudgeState
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("api", "worker", "core", "cli", "client")
FIELDS = {"state", "status", "verdict", "purpose", "phase", "exposure", "place"}
CHOICES = (
    WorkState, Status, Verdict, Purpose, Place, PhaseKind, PhaseState, PoolState, CompetitionState, RejudgeState,
    Exposure,
)  # fmt: skip
WORDS = {choice.value for choices in CHOICES for choice in choices}


def find_raw_choices(source: str) -> list[int]:
    """Lines on which a field of a closed set is compared with, or set to, a word of one."""
    pairs = (pair for node in ast.walk(ast.parse(source)) for pair in _pair(node))
    return sorted({value.lineno for name, value in pairs if name in FIELDS and _holds_word(value)})


def _pair(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        yield from ((_name(one), other) for one in sides for other in sides if one is not other)
    elif isinstance(node, ast.keyword):
        yield node.arg or "", node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        values = [each.value for each in node.value.keywords] if isinstance(node.value, ast.Call) else [node.value]
        yield from ((_name(node.target), value) for value in values)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            targets = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) else None
            yield from ((_name(one), value) for one, value in zip(targets, values or [node.value], strict=False))


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _holds_word(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(_holds_word(each) for each in node.elts)
    if isinstance(node, ast.IfExp):
        return _holds_word(node.body) or _holds_word(node.orelse)
    return isinstance(node, ast.Constant) and node.value in WORDS


def test_no_state_is_a_raw_string() -> None:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "starter_files" not in path.parts]
    assert [f"{path.relative_to(ROOT)}:{line}" for path in files for line in find_raw_choices(path.read_text())] == []


@pytest.mark.parametrize(
    "source",
    [
        'if row.state == "done": ...',
        'if "queued" != evaluation.status: ...',
        'if answer["state"] in ("pending", "leased"): ...',
        'make(purpose="calibration")',
        'row.spec_id, row.state = key, "draft" if new else "preparing"',
        'purpose = "ranked"',
        'state: Mapped[str] = mapped_column(default="pending", index=True)',
    ],
)
def test_a_raw_string_is_found(source: str) -> None:
    assert find_raw_choices(source) == [1]


@pytest.mark.parametrize("source", ["row.state == WorkState.DONE", 'note="calibration"', 'state == "mine"'])
def test_nothing_else_is(source: str) -> None:
    assert find_raw_choices(source) == []
