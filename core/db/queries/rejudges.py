"""SQL about evaluating a set of submissions again; what a rejudge ran counts nowhere until `promote`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session, aliased, joinedload

from core.db.board import CountingEvaluation
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, Replica, Shard, Submission
from core.db.queries import boards
from core.db.queries.evaluations import is_newest_that_counts
from core.domain.leaderboard import Purpose
from core.domain.phases import PhaseKind
from core.domain.rejudge import NEVER_REPLACES, UNDECIDED, PastRun, RejudgeState
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState

_SHOWN = (Purpose.RANKED, Purpose.REFERENCE)


@dataclass(frozen=True, slots=True)
class AffectedSubmission:
    submission: Submission
    run: PastRun


@dataclass(frozen=True, slots=True)
class Progress:
    evaluations: int
    finished: int
    replicas: int
    finished_replicas: int
    verdicts: dict[Verdict, int]


def store_rejudge(session: Session, rejudge: Rejudge) -> None:
    session.add(rejudge)
    session.flush()


def fetch_rejudge(session: Session, rejudge_id: str) -> Rejudge | None:
    query = select(Rejudge).where(Rejudge.id == rejudge_id).options(joinedload(Rejudge.competition))
    return session.scalars(query).one_or_none()


def fetch_rejudges(session: Session, competition_id: str | None) -> list[Rejudge]:
    """Newest first."""
    query = select(Rejudge).options(joinedload(Rejudge.competition)).order_by(Rejudge.id.desc())
    if competition_id is not None:
        query = query.where(Rejudge.competition_id == competition_id)
    return list(session.scalars(query))


def fetch_undecided(session: Session, competition_id: str) -> Rejudge | None:
    """The one that nobody has decided yet."""
    query = select(Rejudge).where(Rejudge.competition_id == competition_id, Rejudge.state.in_(UNDECIDED))
    return session.scalars(query.limit(1)).one_or_none()


def count_of_spec(session: Session, spec_id: str) -> int:
    return session.scalars(select(func.count()).select_from(Rejudge).where(Rejudge.spec_id == spec_id)).one()


def is_paused(session: Session, rejudge_id: str | None) -> bool:
    query = select(Rejudge.id).where(Rejudge.id == rejudge_id, Rejudge.state == RejudgeState.PAUSED)
    return rejudge_id is not None and session.scalars(query).one_or_none() is not None


def waits_for_resumption() -> ColumnElement[bool]:
    """Of an evaluation: a paused rejudge has not begun it."""
    is_paused = exists().where(Rejudge.id == Evaluation.rejudge_id, Rejudge.state == RejudgeState.PAUSED)
    return (Evaluation.status == Status.QUEUED) & is_paused


def fetch_free_shards(session: Session, rejudge_id: str) -> list[str]:
    """Ids of what of it was not begun."""
    query = select(Shard.id).join(Evaluation).where(Evaluation.rejudge_id == rejudge_id)
    return list(session.scalars(query.where(Evaluation.status == Status.QUEUED, Shard.state == WorkState.PENDING)))


def fetch_affected(
    session: Session,
    competition_id: str,
    phase: PhaseKind,
    *,
    verdicts: Sequence[Verdict],
    submission_ids: Sequence[str],
) -> list[AffectedSubmission]:
    """Submissions whose last evaluation that counts in a phase has ended, oldest first.

    Empty filters leave nothing out. What its author withdrew stays withdrawn.
    """
    spent = (
        select(
            Replica.evaluation_id,
            func.count().label("replicas"),
            func.sum(Replica.cpu_seconds).label("cpu_seconds"),
        )
        .group_by(Replica.evaluation_id)
        .subquery()
    )
    query = (
        select(Submission, Evaluation.verdict, spent.c.replicas, spent.c.cpu_seconds)
        .join(Evaluation, Evaluation.submission_id == Submission.id)
        .outerjoin(spent, spent.c.evaluation_id == Evaluation.id)
        .where(
            Submission.competition_id == competition_id,
            Submission.purpose.in_(_SHOWN),
            is_newest_that_counts(),
            Evaluation.phase == phase,
            Evaluation.verdict.is_not(None),
            Evaluation.verdict != Verdict.WITHDRAWN,
        )
        .options(joinedload(Submission.user), joinedload(Submission.team))
        .order_by(Submission.id)
    )
    if verdicts:
        query = query.where(Evaluation.verdict.in_(verdicts))
    if submission_ids:
        query = query.where(Submission.id.in_(submission_ids))
    return [AffectedSubmission(row[0], PastRun(row[1], row[2] or 0, row[3] or 0.0)) for row in session.execute(query)]


def fetch_progress(session: Session, rejudge_id: str) -> Progress:
    query = select(Evaluation.status, Evaluation.verdict, func.count(), func.sum(Evaluation.replicas_total))
    query = query.where(Evaluation.rejudge_id == rejudge_id).group_by(Evaluation.status, Evaluation.verdict)
    rows = [(status, verdict, count, int(replicas)) for status, verdict, count, replicas in session.execute(query)]
    ran = select(func.sum(Shard.finished_replicas)).join(Evaluation).where(Evaluation.rejudge_id == rejudge_id)
    return Progress(
        evaluations=sum(row[2] for row in rows),
        finished=sum(row[2] for row in rows if row[0] == Status.FINISHED),
        replicas=sum(row[3] for row in rows),
        finished_replicas=session.scalars(ran).one() or 0,
        verdicts={row[1]: row[2] for row in rows if row[1] is not None},
    )


def fetch_evaluations(session: Session, rejudge_id: str) -> list[Evaluation]:
    """All that a rejudge runs or ran, with their submissions, in order of acceptance."""
    query = (
        select(Evaluation)
        .join(Submission)
        .where(Evaluation.rejudge_id == rejudge_id)
        .options(
            joinedload(Evaluation.submission).joinedload(Submission.user),
            joinedload(Evaluation.submission).joinedload(Submission.team),
        )
        .order_by(Submission.created_at)
    )
    return list(session.scalars(query))


def fetch_replaced(session: Session, rejudge_id: str) -> dict[str, Evaluation]:
    """By submission: the evaluation that counted when the rejudge was made."""
    ours, later = aliased(Evaluation), aliased(Evaluation)
    is_later = exists().where(
        later.submission_id == Evaluation.submission_id,
        later.counts,
        later.phase == Evaluation.phase,
        later.created_at > Evaluation.created_at,
        later.created_at < ours.created_at,
    )
    query = (
        select(Evaluation)
        .join(ours, ours.submission_id == Evaluation.submission_id)
        .where(
            ours.rejudge_id == rejudge_id,
            Evaluation.phase == ours.phase,
            Evaluation.counts,
            Evaluation.created_at < ours.created_at,
            ~is_later,
        )
    )
    return {row.submission_id: row for row in session.scalars(query)}


def fetch_counting_as_if(
    session: Session,
    competition_id: str,
    spec_id: str,
    phase: PhaseKind,
    *,
    without: str | None = None,
    with_: str | None = None,
) -> list[CountingEvaluation]:
    """What the board of a spec is made of, as if a rejudge had been decided otherwise.

    without: leave this rejudge out although it was promoted; with_: let it count although it was not.
    """
    counts = boards.COUNTS
    if without is not None:
        counts = counts & (Evaluation.rejudge_id.is_(None) | (Evaluation.rejudge_id != without))
    if with_ is not None:
        replacing = Evaluation.verdict.not_in(NEVER_REPLACES)
        counts = counts | ((Evaluation.rejudge_id == with_) & replacing)
    return boards.fetch_counting(session, competition_id, spec_id, counts=counts & (Evaluation.phase == phase))


def promote(session: Session, rejudge_id: str) -> int:
    """Let what a rejudge ran count from now on, but for runs that were broken off; return how many that are."""
    query = (
        update(Evaluation)
        .where(
            Evaluation.rejudge_id == rejudge_id,
            Evaluation.verdict.not_in(NEVER_REPLACES),
        )
        .values(counts=True)
    )
    return session.execute(query).rowcount  # type: ignore[attr-defined, no-any-return]
