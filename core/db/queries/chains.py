"""SQL that computes the digests of a board's changes again: what was altered behind the platform's back shows."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import String, select, type_coerce
from sqlalchemy.orm import Session, defer

from core.db.board import StoredLine, read_line
from core.db.models.boards import Board, BoardChange, BoardLine
from core.db.models.problems import EvaluationSpec
from core.domain.history import Cause, hash_change
from core.domain.leaderboard import Entry, Place, Purpose
from core.domain.submission import Verdict

AT_ONCE = 500
_CAUSES = frozenset(Cause)


@dataclass(frozen=True, slots=True)
class Break:
    """The first change of a board that does not hold."""

    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class KeptBoard:
    board: Board
    spec_digest: str


def fetch_boards(session: Session, competition_id: str) -> list[KeptBoard]:
    """Every board that a competition has or had, the oldest first."""
    query = select(Board, EvaluationSpec.digest).join(EvaluationSpec, EvaluationSpec.id == Board.spec_id)
    rows = session.execute(query.where(Board.competition_id == competition_id).order_by(Board.id))
    return [KeptBoard(board, digest) for board, digest in rows]


def find_break(session: Session, board: Board) -> Break | None:
    """Compute every digest from the first change to the head, and where each line stands from what it shows."""
    gone, come = _fetch_gone(session, board.id), _iter_come(session, board.id)
    waiting = next(come, None)
    last, digest = 0, ""
    for change, cause in _iter_changes(session, board.id):
        last += 1
        if change.version != last:
            return Break(last, "the change is missing")
        lines: list[BoardLine] = []
        if waiting is not None and waiting[0] == last:
            lines, waiting = waiting[1], next(come, None)
        if not _holds(change, cause, digest, gone.pop(last, []), lines):
            return Break(last, "the change, or one of its lines, was altered")
        if any(not _is_in_place(line) for line in lines):
            return Break(last, "a line's place differs from the score that it shows")
        digest = change.digest
    if waiting is not None or gone:
        return Break(last + 1, "some lines name a change that does not exist")
    if (board.version, board.digest) != (last, digest):
        return Break(last, "the board's head is not its last change")
    return None


def _holds(change: BoardChange, cause: str, previous: str, gone: Sequence[str], come: Sequence[BoardLine]) -> bool:
    if cause not in _CAUSES:
        return False
    found = hash_change(
        previous,
        version=change.version,
        at=change.at,
        cause=Cause(cause),
        gone=gone,
        come=[line.body for line in come],
    )
    return found == change.digest


def _is_in_place(row: BoardLine) -> bool:
    """Digests are of what is shown; the columns that order the board follow from it."""
    line = read_line(StoredLine(row.place, row.accepted_at, row.submission_id, row.body, b""))
    stored = (row.is_below, row.is_early, row.score_key, row.runtime_key, row.accepted_at)
    return line.order == stored and line.place is _find_place(line.entry)


def _find_place(entry: Entry) -> Place:
    if entry.verdict is Verdict.OVER_BUDGET:
        return Place.OVER_BUDGET
    if entry.purpose is Purpose.REFERENCE:
        return Place.REFERENCE
    return Place.HELD if entry.is_held else Place.RANKED


def _iter_changes(session: Session, board_id: str) -> Iterator[tuple[BoardChange, str]]:
    """Changes with their causes as they are written, which may have been altered into none of ours."""
    query = select(BoardChange, type_coerce(BoardChange.cause, String)).options(defer(BoardChange.cause))
    query = query.where(BoardChange.board_id == board_id).order_by(BoardChange.version)
    yield from session.execute(query.execution_options(yield_per=AT_ONCE))


def _fetch_gone(session: Session, board_id: str) -> dict[int, list[str]]:
    """By the version they went with: whose evaluations' lines."""
    query = select(BoardLine.until_version, BoardLine.evaluation_id)
    found: dict[int, list[str]] = defaultdict(list)
    for version, evaluation_id in session.execute(
        query.where(BoardLine.board_id == board_id, BoardLine.until_version.is_not(None))
    ):
        found[version or 0].append(evaluation_id)
    return found


def _iter_come(session: Session, board_id: str) -> Iterator[tuple[int, list[BoardLine]]]:
    query = select(BoardLine).where(BoardLine.board_id == board_id).options(defer(BoardLine.draws))
    rows = session.scalars(query.order_by(BoardLine.since_version).execution_options(yield_per=AT_ONCE))
    for version, lines in groupby(rows, key=lambda row: row.since_version):
        yield version, list(lines)
