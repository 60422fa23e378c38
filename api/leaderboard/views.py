"""Which board a caller sees: the newest, an earlier one, or, while the competition is frozen, the frozen one."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from api.deps import Caller
from core.db.models.contests import Competition
from core.db.queries import boards
from core.domain.access import Action
from core.domain.competition import CompetitionState
from core.domain.errors import InvalidInput

FORMAT = "1"  # of the answers made from a board; another one makes every kept ETag outdated


@dataclass(frozen=True, slots=True)
class BoardView:
    """A board at a version; version 0 is the empty board before the first change."""

    competition: Competition
    board_id: str
    version: int
    digest: str
    changed_at: datetime | None
    is_frozen: bool  # participants do not see what came after this
    newest: int  # version that the caller may see


def find_view(
    session: Session,
    competition: Competition,
    caller: Caller,
    *,
    as_of: datetime | None = None,
    version: int | None = None,
) -> BoardView:
    """Never later than what the caller may see, whatever is asked for."""
    board = boards.fetch_board(session, competition.id, competition.spec_id)
    if board is None:
        return BoardView(competition, "", 0, "", None, False, 0)
    is_frozen = competition.state == CompetitionState.FROZEN and board.frozen_version is not None
    newest = board.version
    if is_frozen and not caller.may(Action.READ_ANY_SUBMISSION):
        newest = min(newest, board.frozen_version or 0)
    shown = newest
    if as_of is not None:
        shown = min(newest, boards.find_version(session, board.id, as_of))
    if version is not None:
        shown = min(newest, version)
    change = boards.fetch_change(session, board.id, shown)
    digest, at = (change.digest, change.at) if change else ("", None)
    return BoardView(competition, board.id, shown, digest, at, is_frozen, newest)


def make_etag(view: BoardView, *variant: object) -> str:
    """The identity of an answer made from a view, without making the answer."""
    row = view.competition
    parts = [FORMAT, row.slug, row.title, row.spec.digest, view.board_id, view.version, view.digest]
    text = json.dumps([*parts, view.is_frozen, *map(str, variant)])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def encode_cursor(version: int, offset: int) -> str:
    return base64.urlsafe_b64encode(f"{version}.{offset}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[int, int]:
    """A page goes on where the last one ended, on the board as it was then."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        version, offset = (int(part) for part in raw.split(".") if part.isdecimal() and len(part) < 10)
    except (binascii.Error, ValueError):
        raise InvalidInput("the cursor is not one this server gave") from None
    return version, offset
