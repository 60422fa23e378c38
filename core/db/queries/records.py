"""SQL about the running best of a board: kept as scores come in, because finding it reads all of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.board import CountingEvaluation
from core.db.models.accounts import User
from core.db.models.boards import Board
from core.db.models.contests import Team
from core.db.models.submissions import Submission
from core.db.queries import history
from core.db.queries.history import ScoredAt
from core.domain.history import Record, keep_records, update_records
from core.domain.leaderboard import Purpose
from core.domain.owner import Owner, parse_owner
from core.domain.submission import Verdict


def fetch_records(session: Session, competition_id: str, spec_id: str) -> list[ScoredAt]:
    """Each ranked submission that scored more than all before it, oldest first."""
    query = select(Board.records).where(Board.competition_id == competition_id, Board.spec_id == spec_id)
    kept = session.scalars(query).one_or_none()
    found = history.fetch_rises(session, competition_id, spec_id) if kept is None else [_read(each) for each in kept]
    names = _fetch_names(session, [each.submission_id for each in found])
    return [ScoredAt(each.submission_id, each.at, each.score, names[each.submission_id]) for each in found]


def update(
    session: Session,
    board: Board,
    found: Iterable[CountingEvaluation],
    owners: Sequence[Owner] | None,
    submission_id: str | None,
) -> None:
    """Something became of these owners' submissions, or of everybody's; the caller holds the board's lock.

    found: all of theirs that count now.
    """
    scored = [_make_record(each) for each in found if _is_ranked(each)]
    updated: list[Record] | None = None
    if owners is None:
        updated = keep_records(scored)
    elif board.records is not None:
        standing = [_read(each) for each in board.records]
        updated = update_records(standing, scored, owners=owners, submission_id=submission_id)
    if updated is None:
        updated = history.fetch_rises(session, board.competition_id, board.spec_id)
    written = [[each.submission_id, each.at.isoformat(), each.score, str(each.owner)] for each in updated]
    if written != board.records:
        board.records = written


def _is_ranked(counting: CountingEvaluation) -> bool:
    full = counting.scored_replicas in (None, counting.replicas_total)
    is_scored = counting.verdict == Verdict.SCORED and counting.score is not None
    return counting.purpose == Purpose.RANKED and is_scored and full and not counting.is_held


def _make_record(counting: CountingEvaluation) -> Record:
    return Record(counting.submission_id, counting.accepted_at, counting.score or 0.0, counting.owner)


def _read(kept: Sequence[str | float]) -> Record:
    submission_id, at, score, owner = kept
    return Record(str(submission_id), datetime.fromisoformat(str(at)), float(score), parse_owner(str(owner)))


def _fetch_names(session: Session, submission_ids: Sequence[str]) -> dict[str, str]:
    query = (
        select(Submission.id, func.coalesce(Team.name, User.name))
        .join(User, User.id == Submission.user_id)
        .outerjoin(Team, Team.id == Submission.team_id)
        .where(Submission.id.in_(submission_ids))
    )
    return {key: name for key, name in session.execute(query)}
