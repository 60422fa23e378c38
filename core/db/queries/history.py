"""SQL about how scores came in over time: columns only, because a contest may have a hundred thousand submissions."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from core.db.models.accounts import User
from core.db.models.contests import Team, TeamMember
from core.db.models.submissions import Evaluation, Submission
from core.domain.history import Record
from core.domain.leaderboard import Purpose
from core.domain.notes import NoteReaders
from core.domain.owner import find_owner
from core.domain.phases import PhaseKind
from core.domain.submission import Verdict

ENTERED = (Purpose.RANKED, Purpose.REFERENCE)


@dataclass(frozen=True, slots=True)
class ScoredAt:
    submission_id: str
    at: datetime
    score: float
    name: str


@dataclass(frozen=True, slots=True)
class OwnTeam:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A scored submission that one may pick from a list."""

    submission_id: str
    filename: str
    note: str
    name: str
    at: datetime
    score: float
    held_back: bool


def fetch_own_team(session: Session, competition_id: str, user_id: str) -> OwnTeam | None:
    query = select(Team.id, Team.name).join(TeamMember)
    query = query.where(TeamMember.competition_id == competition_id, TeamMember.user_id == user_id)
    row = session.execute(query).one_or_none()
    return OwnTeam(*row) if row else None


def fetch_rises(session: Session, competition_id: str, spec_id: str) -> list[Record]:
    """Each ranked submission that scored more than all before it, oldest first; reads them all."""
    ranked = _select_ranked(competition_id, spec_id).subquery()
    best = func.max(ranked.c.score).over(order_by=(ranked.c.created_at, ranked.c.id), rows=(None, -1))
    marked = select(ranked, best.label("before")).subquery()
    query = select(marked.c.id, marked.c.created_at, marked.c.score, marked.c.team_id, marked.c.user_id)
    query = query.where(or_(marked.c.before.is_(None), marked.c.score > marked.c.before))
    rows = session.execute(query.order_by(marked.c.created_at, marked.c.id))
    return [
        Record(key, at, score, find_owner(Purpose.RANKED, team_id=team, user_id=user, filename=""))
        for key, at, score, team, user in rows
    ]


def fetch_scores_of(
    session: Session, competition_id: str, spec_id: str, *, user_id: str, team_id: str | None, limit: int
) -> list[ScoredAt]:
    """The newest ranked scores of a team, or of a user who is in none, oldest first."""
    own: ColumnElement[bool] = Submission.team_id == team_id if team_id else Submission.user_id == user_id
    query = _select_ranked(competition_id, spec_id).where(own).order_by(Submission.created_at.desc())
    rows = session.execute(query.limit(limit)).all()
    return [ScoredAt(key, at, score or 0.0, name) for key, at, score, name, *_ in rows[::-1]]


def fetch_choices(
    session: Session,
    competition_id: str,
    *,
    user_id: str | None,
    team_id: str | None,
    limit: int,
    with_entries: bool = False,
) -> list[Choice]:
    """The newest submissions with a score: of a user and their team, or of everybody if `user_id` is None.

    with_entries: also what others entered, which anybody may see on an open problem; never their practice.
    """
    name = func.coalesce(Team.name, User.name)
    query = (
        select(
            Submission.id,
            Submission.filename,
            case((_reads(user_id, team_id), Submission.note), else_=""),
            name,
            Submission.created_at,
            Evaluation.score,
            Evaluation.held_back,
        )
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .join(User, User.id == Submission.user_id)
        .outerjoin(Team, Team.id == Submission.team_id)
        .where(
            Submission.competition_id == competition_id,
            Submission.purpose != Purpose.CALIBRATION,
            _is_newest(),
            Evaluation.score.is_not(None),
        )
    )
    if user_id is not None:
        own = or_(Submission.user_id == user_id, Submission.team_id == (team_id or ""))
        query = query.where(or_(own, Submission.purpose.in_(ENTERED)) if with_entries else own)
    rows = session.execute(query.order_by(Submission.id.desc()).limit(limit))
    return [
        Choice(key, filename, note, who, at, score or 0.0, held) for key, filename, note, who, at, score, held in rows
    ]


def _reads(user_id: str | None, team_id: str | None) -> ColumnElement[bool]:
    """The note, in SQL: see `core.domain.notes`."""
    own = Submission.user_id == (user_id or "")
    of_team = and_(Submission.team_id == (team_id or ""), Submission.note_readers == NoteReaders.TEAM)
    return or_(own, of_team, Submission.note_readers == NoteReaders.EVERYBODY)


def _is_newest(spec_id: str | None = None) -> ColumnElement[bool]:
    """Of its submission, among what counts, or among what ended under a spec.

    Asked row by row, so that a few rows are a short question in however long a table.
    """
    later = aliased(Evaluation)
    is_after = and_(later.submission_id == Evaluation.submission_id, later.created_at > Evaluation.created_at)
    return and_(_counts(Evaluation, spec_id), ~exists().where(is_after, _counts(later, spec_id)))


def _counts(row: type[Evaluation], spec_id: str | None) -> ColumnElement[bool]:
    is_public = row.phase == PhaseKind.PUBLIC  # scores of the private phase are secret until published
    if spec_id is None:
        return and_(is_public, row.counts)
    # a range of one: by an equation SQLite would begin with all evaluations of the spec, however few are asked for
    return and_(is_public, row.counts, row.spec_id.between(spec_id, spec_id), row.verdict.is_not(None))


def _select_ranked(competition_id: str, spec_id: str) -> Select[str, datetime, float | None, str, str | None, str]:
    """What stands for a rank: the newest evaluation of each submission, if it was scored on all its replicas."""
    name = func.coalesce(Team.name, User.name).label("name")
    score = Evaluation.score.label("score")
    return (
        select(Submission.id, Submission.created_at, score, name, Submission.team_id, Submission.user_id)
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .join(User, User.id == Submission.user_id)
        .outerjoin(Team, Team.id == Submission.team_id)
        .where(
            Submission.competition_id == competition_id,
            Submission.purpose == Purpose.RANKED,
            Submission.disqualified_at.is_(None),
            ~Submission.is_held,
            _is_newest(spec_id),
            Evaluation.verdict == Verdict.SCORED,
            Evaluation.score.is_not(None),
            ~Evaluation.decided_early,
        )
    )
