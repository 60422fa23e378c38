"""Which board a caller sees: the newest, an earlier one, or, while the competition is frozen, the frozen one."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api import paging
from api.competitions.service import find_key, find_private_state, find_sight
from api.deps import Caller
from api.leaderboard.blur import blur_ceiling
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.problems import EvaluationSpec
from core.db.queries import boards, notes
from core.domain.access import Action
from core.domain.commitments import commit
from core.domain.competition import CompetitionState
from core.domain.exposure import Stage
from core.domain.phases import PhaseKind, find_stage
from core.scorecard import Ceiling

BOARD_PHASES = (PhaseKind.PUBLIC, PhaseKind.PRIVATE)
FORMAT = "3"  # of the answers made from a board; another one makes every kept ETag outdated


@dataclass(frozen=True, slots=True)
class BoardView:
    """A board at a version; version 0 is the empty board before the first change."""

    competition: Competition
    spec: EvaluationSpec
    spec_digest: str  # as the caller may see it
    board_id: str
    version: int
    digest: str
    changed_at: datetime | None
    is_frozen: bool  # participants do not see what came after this
    newest: int  # version that the caller may see
    is_live: bool  # nothing later is kept from the caller, and no earlier moment was asked for
    ceiling: Ceiling | None
    is_coarse: bool = False  # its numbers are rounded: the reader takes part, and the problem is hidden
    oldest: int = 0  # version before which the caller is told of no change
    phase: PhaseKind = PhaseKind.PUBLIC
    noted_at: datetime | None = None  # when a note was changed last


def find_view(
    session: Session,
    competition: Competition,
    caller: Caller,
    *,
    as_of: datetime | None = None,
    version: int | None = None,
    private: EvaluationSpec | None = None,
) -> BoardView:
    """Never later than what the caller may see, whatever is asked for.

    private: the spec of the private phase, whose board nobody is let to before its numbers are told.
    """
    is_coarse = private is None and is_told_coarsely(session, competition, caller)
    phase = PhaseKind.PRIVATE if private else PhaseKind.PUBLIC
    spec = private or competition.spec
    key = find_key(competition, spec, caller)
    shown_digest = commit(key, spec.digest) if key else spec.digest
    board = boards.fetch_board(session, competition.id, spec.id)
    if board is None:
        empty = BoardView(competition, spec, shown_digest, "", 0, "", None, False, 0, as_of is None, None, is_coarse)
        return replace(empty, phase=phase)
    is_frozen = board.frozen_version is not None and competition.state_at(utc_now()) is CompetitionState.FROZEN
    is_kept_back = is_frozen and not caller.may(Action.READ_ANY_SUBMISSION)
    newest = min(board.version, board.frozen_version or 0) if is_kept_back else board.version
    shown = newest
    if as_of is not None:
        shown = min(newest, boards.find_version(session, board.id, as_of))
    if version is not None:
        shown = min(newest, version)
    change = boards.fetch_change(session, board.id, shown)
    digest, at = (change.digest, change.at) if change else ("", None)
    return BoardView(
        competition=competition,
        spec=spec,
        spec_digest=shown_digest,
        board_id=board.id,
        version=shown,
        digest=digest,
        changed_at=at,
        is_frozen=is_frozen,
        newest=newest,
        is_live=as_of is None and not is_kept_back,
        ceiling=_read_ceiling(board.ceiling, is_coarse=is_coarse),
        is_coarse=is_coarse,
        phase=phase,
        noted_at=notes.find_last_note(session, competition.id),
    )


def is_told_coarsely(session: Session, competition: Competition, caller: Caller) -> bool:
    sight = find_sight(competition.spec, caller)
    if not sight.is_coarse:
        return False
    return find_stage(competition.state, find_private_state(session, competition)) is not Stage.OVER


def _read_ceiling(stored: dict[str, Any] | None, *, is_coarse: bool) -> Ceiling | None:
    found = Ceiling.model_validate(stored) if stored else None
    return blur_ceiling(found) if is_coarse else found


def make_etag(view: BoardView, *variant: object) -> str:
    """The identity of an answer made from a view, without making the answer."""
    row = view.competition
    parts = [FORMAT, row.slug, row.title, view.spec_digest, view.board_id, view.version, view.digest]
    text = json.dumps([*parts, view.is_frozen, view.is_coarse, str(view.noted_at), *map(str, variant)])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def encode_cursor(view: BoardView, offset: int) -> str:
    return paging.encode_cursor(f"{view.phase}.{view.version}.{offset}")


def decode_cursor(cursor: str) -> tuple[PhaseKind, int, int]:
    """A page goes on where the last one ended, on the board as it was then."""
    phase, *parts = paging.decode_cursor(cursor).split(".")
    if phase not in BOARD_PHASES or len(parts) != 2 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise paging.refuse_cursor()
    return PhaseKind(phase), int(parts[0]), int(parts[1])
