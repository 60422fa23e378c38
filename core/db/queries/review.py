"""SQL about flags that ask a person to look, and what was decided on them."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, joinedload

from core.db.models.review import FlagDecision, PairDecision
from core.db.models.submissions import Evaluation, Scorecard, Submission
from core.db.queries.evaluations import is_newest_that_counts
from core.domain.leaderboard import OFF_BOARD, Purpose
from core.domain.phases import PhaseKind
from core.domain.review import FlagState, FlagVerdict, is_held
from core.domain.similarity import Code
from core.scorecard import RaisedFlag, parse_flags, pick_flags

_FLAGS = pick_flags(Scorecard.body)  # alone: a body may hold a value for every forget example


def fetch_flagged(
    session: Session, *, competition_id: str | None, state: FlagState, limit: int, before: str | None
) -> list[tuple[Evaluation, tuple[RaisedFlag, ...]]]:
    """Evaluations that count, with the flags their scorecards carry; newest first (ids sort by creation)."""
    is_public = Evaluation.phase == PhaseKind.PUBLIC  # the private phase is read by its own queries alone
    query = (
        select(Evaluation, _FLAGS)
        .join(Scorecard, Scorecard.evaluation_id == Evaluation.id)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .where(is_newest_that_counts(), is_public, func.json_array_length(_FLAGS) > 0, *_is_in(state))
        .options(
            joinedload(Evaluation.submission).joinedload(Submission.user),
            joinedload(Evaluation.submission).joinedload(Submission.team),
            joinedload(Evaluation.submission).joinedload(Submission.competition),
        )
        .order_by(Evaluation.id.desc())
        .limit(limit)
    )
    if competition_id is not None:
        query = query.where(Submission.competition_id == competition_id)
    if before is not None:
        query = query.where(Evaluation.id < before)
    return [(row[0], parse_flags(row[1])) for row in session.execute(query)]


def fetch_flags(session: Session, evaluation_id: str) -> tuple[RaisedFlag, ...]:
    """The flags of one scorecard; none if it has none, or is from before there were any."""
    stored = session.scalars(select(_FLAGS).where(Scorecard.evaluation_id == evaluation_id)).one_or_none()
    return parse_flags(stored or ())


def fetch_decisions(session: Session, evaluation_ids: Sequence[str]) -> dict[tuple[str, str], FlagDecision]:
    """By evaluation and code."""
    rows = session.scalars(select(FlagDecision).where(FlagDecision.evaluation_id.in_(evaluation_ids)))
    return {(row.evaluation_id, row.code): row for row in rows}


def settle_hold(session: Session, evaluation: Evaluation) -> None:
    """Hold a submission back from the ranks, or no longer, by the flags of what counts of it now.

    The private phase has no say: its flags are read by nobody before its end. The boards are the caller's to refresh.
    """
    if not evaluation.counts or evaluation.phase is not PhaseKind.PUBLIC:
        return
    session.flush()
    fired = {flag.code for flag in fetch_flags(session, evaluation.id)}
    decided = fetch_decisions(session, [evaluation.id])
    honest = {code for (_, code), row in decided.items() if row.decision is FlagVerdict.DISMISSED}
    held = is_held(fired, honest)
    is_ranked = Submission.purpose == Purpose.RANKED  # nothing else has a rank to wait for
    session.execute(update(Submission).where(Submission.id == evaluation.submission_id, is_ranked).values(is_held=held))


def count_held(session: Session, competition_id: str) -> int:
    """How many submissions wait for a look before they have a rank."""
    query = select(func.count(Submission.id)).where(
        Submission.competition_id == competition_id, Submission.is_held, Submission.disqualified_at.is_(None)
    )
    return session.scalars(query).one()


def fetch_codes(session: Session, competition_id: str, *, limit: int) -> list[tuple[Code, Purpose]]:
    """Of the newest submissions to the board, in the order of their submission."""
    query = (
        select(
            Submission.id,
            func.coalesce(Submission.team_id, Submission.user_id),
            Submission.source_digest,
            Submission.code_prints,
            Submission.purpose,
        )
        .where(Submission.competition_id == competition_id, Submission.purpose.not_in(OFF_BOARD))
        .order_by(Submission.created_at.desc(), Submission.id)
        .limit(limit)
    )
    rows = session.execute(query).all()[::-1]
    return [(Code(key, owner, digest, frozenset(prints)), purpose) for key, owner, digest, prints, purpose in rows]


def find_code_state(session: Session, competition_id: str) -> tuple[int, str | None, int]:
    """What changes whenever pairs of alike sources may: how many there are, the newest, and how many owners."""
    owner = func.coalesce(Submission.team_id, Submission.user_id)
    query = select(func.count(), func.max(Submission.id), func.count(owner.distinct())).where(
        Submission.competition_id == competition_id, Submission.purpose.not_in(OFF_BOARD)
    )
    count, newest, owners = session.execute(query).one()
    return count, newest, owners


def fetch_pair_decisions(session: Session, competition_id: str) -> dict[tuple[str, str], PairDecision]:
    """By both submissions, the earlier first."""
    rows = session.scalars(select(PairDecision).where(PairDecision.competition_id == competition_id))
    return {(row.earlier_id, row.later_id): row for row in rows}


def store_pair_decision(session: Session, decision: PairDecision) -> None:
    session.add(decision)
    session.flush()


def fetch_submissions(session: Session, submission_ids: Collection[str]) -> dict[str, Submission]:
    query = (
        select(Submission)
        .where(Submission.id.in_(submission_ids))
        .options(joinedload(Submission.user), joinedload(Submission.team), joinedload(Submission.competition))
    )
    return {row.id: row for row in session.scalars(query)}


def store_decision(session: Session, decision: FlagDecision) -> None:
    session.add(decision)
    session.flush()


def _is_in(state: FlagState) -> list[ColumnElement[bool]]:
    if state is FlagState.ALL:
        return []
    decided = (
        select(func.count())
        .select_from(FlagDecision)
        .where(FlagDecision.evaluation_id == Evaluation.id)
        .correlate(Evaluation)
        .scalar_subquery()
    )
    open_ones = func.json_array_length(_FLAGS) > decided
    return [open_ones if state is FlagState.OPEN else ~open_ones]
