"""SQL about boards: `refresh` is the only way a board changes, and every reader names the version it wants.

Whoever changes what a board is made of calls `refresh` in the same transaction. It locks the board, compares what
should stand there with what does, and writes the difference as one change; no difference, no change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, false, func, literal, or_, select, text, true, tuple_
from sqlalchemy.orm import Session, undefer

from core.db.base import UtcDateTime, new_id, utc_now
from core.db.board import CountingEvaluation, StoredLine, make_line, read_entry
from core.db.models.accounts import User
from core.db.models.boards import Board, BoardChange, BoardLine
from core.db.models.contests import Competition, Team
from core.db.models.submissions import Evaluation, Scorecard, Submission
from core.db.queries import records
from core.db.queries.ladder import hold_back, is_climbed
from core.domain.history import Cause, hash_change
from core.domain.leaderboard import OFF_BOARD, Place, pick_lines
from core.domain.owner import Owner, OwnerKind, find_owner, own_as_team
from core.domain.submission import Verdict

# in words both databases understand
_MAKE = text(
    "INSERT INTO boards (id, competition_id, spec_id, version, changed_at, digest)"
    " VALUES (:id, :competition, :spec, 0, :now, '') ON CONFLICT (competition_id, spec_id) DO NOTHING"
).bindparams(bindparam("now", type_=UtcDateTime()))
LAST_RANK_TOLD = 11
TICK = timedelta(microseconds=1)
_CAUSE_OF_VERDICT = {Verdict.SCORED: Cause.SCORED, Verdict.OVER_BUDGET: Cause.OVER_BUDGET}
_ORDER = (
    BoardLine.is_below,
    BoardLine.is_early,
    BoardLine.score_key,
    BoardLine.runtime_key,
    BoardLine.accepted_at,
    BoardLine.id,
)
_STORED = (BoardLine.place, BoardLine.accepted_at, BoardLine.submission_id, BoardLine.body, BoardLine.draws)


@dataclass(frozen=True, slots=True)
class BoardScope:
    """Whose lines may have changed: the submissions concerned, and the owners of their lines. None: everybody's."""

    submissions: ColumnElement[bool]
    owners: tuple[Owner, ...] | None = None
    submission_id: str | None = None


EVERYBODY = BoardScope(true())
COUNTS: ColumnElement[bool] = Evaluation.counts.is_(True)


def fetch_counting(
    session: Session,
    competition_id: str,
    spec_id: str,
    *,
    submissions: ColumnElement[bool] = EVERYBODY.submissions,
    counts: ColumnElement[bool] = COUNTS,
) -> list[CountingEvaluation]:
    """What a board is made of: of every submission that may be shown, the newest that ended and counts."""
    query = (
        select(
            Submission.id,
            Evaluation.id,
            Submission.team_id,
            Submission.user_id,
            Team.name,
            User.name,
            Submission.filename,
            Submission.purpose,
            Submission.created_at,
            Evaluation.verdict,
            Evaluation.score,
            Evaluation.score_low,
            Evaluation.score_high,
            Evaluation.score_error,
            Evaluation.score_draws,
            Evaluation.scored_replicas,
            Evaluation.replicas_total,
            Evaluation.relative_runtime,
            Scorecard.summary,
            Submission.selected_at,
            Submission.is_held,
        )
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .join(User, User.id == Submission.user_id)
        .outerjoin(Team, Team.id == Submission.team_id)
        .outerjoin(Scorecard, Scorecard.evaluation_id == Evaluation.id)
        .where(
            Submission.competition_id == competition_id,
            Evaluation.spec_id == spec_id,
            Submission.purpose.not_in(OFF_BOARD),
            Submission.disqualified_at.is_(None),
            Evaluation.verdict.is_not(None),
            counts,
            submissions,
        )
        .order_by(Evaluation.created_at)
    )
    newest = {row[0]: CountingEvaluation._make(row) for row in session.execute(query)}
    return list(newest.values())


def refresh(
    session: Session,
    competition_id: str,
    spec_id: str,
    cause: Cause,
    scope: BoardScope = EVERYBODY,
    *,
    is_event: bool = False,
) -> bool:
    """Bring the board up to date with what counts; True if that changed it.

    is_event: what happened is a change of its own, even if every line stays.
    """
    session.flush()
    board = lock_board(session, competition_id, spec_id)
    counting = fetch_counting(session, competition_id, spec_id, submissions=scope.submissions)
    records.update(session, board, counting, scope.owners, scope.submission_id)
    found = {each.submission_id: each for each in counting}
    climbing = is_climbed(session, competition_id, spec_id)
    if climbing:
        hold_back(session, found)
    picked = pick_lines((read_entry(each) for each in found.values()), climbing=climbing)
    rows = [make_line(board.id, board.version + 1, line, found[line.entry.submission_id]) for line in picked]
    due = {(row.owner, row.place): row for row in rows}
    standing = {(row.owner, row.place): row for row in _fetch_standing(session, board.id, scope)}
    gone = [row for key, row in standing.items() if not _is_same(row, due.get(key))]
    come = [row for key, row in due.items() if not _is_same(row, standing.get(key))]
    if not (gone or come or is_event):
        return False
    shown = {row.evaluation_id for row in come}
    for each in found.values():  # in the order they were made: the newest ceiling may be the best measured
        ceiling = each.figures.ceiling if each.evaluation_id in shown else None
        if ceiling is not None:
            board.ceiling = ceiling.model_dump(mode="json")
    _write(session, board, cause, scope, gone, come)
    return True


def refresh_submission(session: Session, submission_id: str, spec_id: str, cause: Cause) -> bool:
    """What became of one submission may change its team's lines."""
    row = session.execute(
        select(
            Submission.competition_id, Submission.team_id, Submission.user_id, Submission.purpose, Submission.filename
        ).where(Submission.id == submission_id)
    ).one()
    if row.purpose in OFF_BOARD:
        return False
    owner = find_owner(row.purpose, team_id=row.team_id, user_id=row.user_id, filename=row.filename)
    if owner.kind is OwnerKind.REFERENCE:
        same = and_(Submission.user_id == owner.id, Submission.filename == owner.filename)
    elif owner.kind is OwnerKind.USER:
        same = and_(Submission.user_id == owner.id, Submission.team_id.is_(None))
    else:
        same = Submission.team_id == owner.id
    scope = BoardScope(and_(same, Submission.purpose == row.purpose), (owner,), submission_id)
    return refresh(session, row.competition_id, spec_id, cause, scope)


def refresh_everywhere(session: Session, submission_id: str, cause: Cause) -> None:
    """What is true of a submission under whatever spec: its competition's boards follow, the final one included."""
    query = select(Board.spec_id).join(Submission, Submission.competition_id == Board.competition_id)
    for spec_id in session.scalars(query.where(Submission.id == submission_id).order_by(Board.id)).all():
        refresh_submission(session, submission_id, spec_id, cause)


def refresh_ended(session: Session, submission_id: str, spec_id: str, verdict: Verdict) -> bool:
    """An evaluation ended; what it says about its submission may be on the board now."""
    return refresh_submission(session, submission_id, spec_id, _CAUSE_OF_VERDICT.get(verdict, Cause.ENDED))


def refresh_teams(session: Session, competition_id: str, spec_id: str, cause: Cause, team_ids: Sequence[str]) -> bool:
    owners = tuple(own_as_team(team_id) for team_id in team_ids)
    return refresh(session, competition_id, spec_id, cause, BoardScope(Submission.team_id.in_(team_ids), owners))


def lock_board(session: Session, competition_id: str, spec_id: str) -> Board:
    """The board's row, locked until the transaction ends; made if this is its first change."""
    query = (
        select(Board)
        .where(Board.competition_id == competition_id, Board.spec_id == spec_id)
        .with_for_update()
        .options(undefer(Board.records))
        .execution_options(populate_existing=True)
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        values = {"id": new_id(), "competition": competition_id, "spec": spec_id, "now": utc_now()}
        session.execute(_MAKE, values)
        found = session.scalars(query).one()
    return found


def set_frozen(session: Session, competition: Competition, *, frozen: bool) -> None:
    """Participants go on seeing the board as it is now, or see it live again."""
    board = lock_board(session, competition.id, competition.spec_id)
    board.frozen_version = board.version if frozen else None


def fetch_board(session: Session, competition_id: str, spec_id: str) -> Board | None:
    query = select(Board).where(Board.competition_id == competition_id, Board.spec_id == spec_id)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def fetch_change(session: Session, board_id: str, version: int) -> BoardChange | None:
    query = select(BoardChange).where(BoardChange.board_id == board_id, BoardChange.version == version)
    return session.scalars(query).one_or_none()


def find_version(session: Session, board_id: str, at: datetime) -> int:
    """The last change up to a moment; 0 if there was none."""
    query = (
        select(BoardChange.version)
        .where(BoardChange.board_id == board_id, BoardChange.at <= at)
        .order_by(BoardChange.at.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none() or 0


def fetch_changes(session: Session, board_id: str, *, upto: int, limit: int, since: int = 0) -> list[BoardChange]:
    """Newest first, none after `upto` nor before `since`."""
    query = select(BoardChange).where(
        BoardChange.board_id == board_id, BoardChange.version <= upto, BoardChange.version >= since
    )
    return list(session.scalars(query.order_by(BoardChange.version.desc()).limit(limit)))


def fetch_lines(session: Session, board_id: str, version: int, *, limit: int, offset: int = 0) -> list[StoredLine]:
    """A stretch of the board at a version, from top to bottom."""
    query = select(*_STORED).where(_stood(board_id, version)).order_by(*_ORDER).offset(offset).limit(limit)
    return [StoredLine(*row) for row in session.execute(query)]


def fetch_ranked(session: Session, board_id: str, version: int, offset: int, limit: int) -> list[StoredLine]:
    """The same of ranked lines alone."""
    stood = and_(_stood(board_id, version), BoardLine.place == Place.RANKED)
    query = select(*_STORED).where(stood).order_by(*_ORDER).offset(offset).limit(limit)
    return [StoredLine(*row) for row in session.execute(query)]


def count_ranked_among(session: Session, board_id: str, version: int, lines: int) -> int:
    """How many of the first so many lines are ranked."""
    if lines == 0:
        return 0
    first = select(BoardLine.place).where(_stood(board_id, version)).order_by(*_ORDER).limit(lines).subquery()
    query = select(func.count()).select_from(first).where(first.c.place == Place.RANKED)
    return session.scalars(query).one()


def count_lines(session: Session, board_id: str, version: int) -> dict[Place, int]:
    query = select(BoardLine.place, func.count()).where(_stood(board_id, version)).group_by(BoardLine.place)
    found = {place: count for place, count in session.execute(query)}
    return {place: found.get(place, 0) for place in Place}


def find_places(session: Session, board_id: str, version: int, owner: Owner) -> tuple[int | None, int | None]:
    """How many lines stand above an owner's ranked line, and above the one over the budget; None without one."""
    stood = _stood(board_id, version)
    rows = {row.place: row for row in session.scalars(select(BoardLine).where(stood, BoardLine.owner == owner))}
    ranked, over = (rows.get(place) for place in (Place.RANKED, Place.OVER_BUDGET))
    return (
        _count_above(session, ranked, stood) if ranked else None,
        _count_above(session, over, stood) if over else None,
    )


def find_ranked_evaluation(session: Session, competition_id: str, spec_id: str, place: int) -> str | None:
    """Who stands at a place now, counting from 1 and only those scored on all replicas."""
    query = (
        select(BoardLine.evaluation_id)
        .join(Board, Board.id == BoardLine.board_id)
        .where(
            Board.competition_id == competition_id,
            Board.spec_id == spec_id,
            BoardLine.until_version.is_(None),
            BoardLine.place == Place.RANKED,
            BoardLine.is_early == false(),
        )
        .order_by(*_ORDER)
        .offset(place - 1)
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def find_passed(session: Session, competition_id: str, spec_id: str) -> dict[str, tuple[int, int]]:
    """Teams that the newest change moved one rank down, with both ranks; only near the top, or one leader tells all.

    Nobody while the board is frozen: participants do not see the change.
    """
    board = fetch_board(session, competition_id, spec_id)
    if board is None or board.frozen_version is not None:
        return {}
    change = fetch_change(session, board.id, board.version)
    if change is None or change.rank_after is None:
        return {}
    last = min(change.rank_before or LAST_RANK_TOLD, LAST_RANK_TOLD)
    query = (
        select(BoardLine.owner)
        .where(_stood(board.id, board.version), BoardLine.place == Place.RANKED)
        .order_by(*_ORDER)
        .offset(change.rank_after)
        .limit(max(last - change.rank_after, 0))
    )
    owners = enumerate(session.scalars(query), start=change.rank_after + 1)
    return {owner.id: (rank - 1, rank) for rank, owner in owners if owner.kind is OwnerKind.TEAM}


def _stood(board_id: str, version: int) -> ColumnElement[bool]:
    return and_(
        BoardLine.board_id == board_id,
        BoardLine.since_version <= version,
        or_(BoardLine.until_version.is_(None), BoardLine.until_version > version),
    )


def _fetch_standing(session: Session, board_id: str, scope: BoardScope) -> list[BoardLine]:
    query = select(BoardLine).where(BoardLine.board_id == board_id, BoardLine.until_version.is_(None))
    if scope.owners is not None:
        query = query.where(BoardLine.owner.in_(scope.owners))
    return list(session.scalars(query))


def _is_same(row: BoardLine, other: BoardLine | None) -> bool:
    return other is not None and row.evaluation_id == other.evaluation_id and row.body == other.body


def _write(
    session: Session,
    board: Board,
    cause: Cause,
    scope: BoardScope,
    gone: Sequence[BoardLine],
    come: Sequence[BoardLine],
) -> None:
    at = max(utc_now(), board.changed_at + TICK)  # one moment, one board, also when clocks disagree
    before = None if scope.owners is None else _find_best_rank(session, gone)
    board.version, board.changed_at = board.version + 1, at
    board.digest = hash_change(
        board.digest,
        version=board.version,
        at=at,
        cause=cause,
        gone=[row.evaluation_id for row in gone],
        come=[row.body for row in come],
    )
    for row in gone:
        row.until_version = board.version
    session.flush()  # who leaves makes room for who comes
    session.add_all(come)
    session.flush()
    name = "" if scope.owners is None else str((come or gone)[0].body["name"])
    session.add(
        BoardChange(
            board_id=board.id,
            version=board.version,
            at=at,
            cause=cause,
            name=name,
            submission_id=scope.submission_id,
            rank_before=before,
            rank_after=None if scope.owners is None else _find_best_rank(session, come),
            lines=len(gone) + len(come),
            digest=board.digest,
        )
    )
    session.flush()


def _find_best_rank(session: Session, rows: Sequence[BoardLine]) -> int | None:
    """The best rank that these lines have on the board as it stands."""
    ranked = [row for row in rows if row.place == Place.RANKED]
    if not ranked:
        return None
    top = min(ranked, key=lambda row: (row.is_early, row.score_key, row.runtime_key, row.accepted_at))
    standing = and_(BoardLine.board_id == top.board_id, BoardLine.until_version.is_(None))
    return 1 + _count_above(session, top, and_(standing, BoardLine.place == Place.RANKED))


def _count_above(session: Session, row: BoardLine, among: ColumnElement[bool]) -> int:
    own = tuple_(*(literal(getattr(row, column.key), column.type) for column in _ORDER))
    query = select(func.count()).select_from(BoardLine).where(among, tuple_(*_ORDER) < own)
    return session.scalars(query).one()
