"""SQL about evaluations, shards, replicas and scorecards; `move` is the only way a status changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, String, exists, func, select, update
from sqlalchemy.orm import Session, aliased, joinedload, selectinload, undefer
from sqlalchemy.sql.base import ExecutableOption

from core.db.base import utc_now
from core.db.models.contests import Competition, Team, TeamMember
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation, EvaluationEvent, Replica, Scorecard, Shard, Submission
from core.db.queries import boards, deliveries
from core.domain.faults import FaultCode
from core.domain.leaderboard import GATED, OFF_BOARD, Purpose
from core.domain.phases import PhaseKind
from core.domain.quota import start_of_day
from core.domain.submission import HELD_AFTER, Status, Verdict, advance
from core.scorecard import ScorecardSummary, parse_summary

_SHOWN = (PhaseKind.PUBLIC, PhaseKind.PRACTICE)
MOST_SCORE_LOSSES = 5  # of workers at one score, as at one shard
LIVE = tuple(status for status in Status if status is not Status.FINISHED)


def move(
    session: Session,
    evaluation: Evaluation,
    target: Status,
    *,
    verdict: Verdict | None = None,
    code: FaultCode | None = None,
    reason: str = "",
) -> None:
    """Move a locked evaluation, checking the table of transitions and writing history in the same transaction."""
    advance(evaluation.status, target, verdict=verdict)
    now = utc_now()
    evaluation.status = target
    if target is Status.CANARY:
        evaluation.started_at = now
    if target is Status.FINISHED:
        evaluation.finished_at = now
        evaluation.verdict = verdict
        evaluation.code = code
        evaluation.reason = reason
        if verdict is Verdict.PLATFORM_ERROR:
            evaluation.refunded = is_given_back(session, evaluation, now)
    session.add(
        EvaluationEvent(evaluation_id=evaluation.id, at=now, status=target, verdict=evaluation.verdict, detail=reason)
    )
    if verdict is not None and evaluation.counts:
        changed = boards.refresh_ended(session, evaluation.submission_id, evaluation.spec_id, verdict)
        deliveries.announce_finished(session, evaluation)
        if changed and verdict is Verdict.SCORED:
            deliveries.announce_passed(session, evaluation)


def lock_evaluation(session: Session, evaluation_id: str) -> Evaluation | None:
    query = (
        select(Evaluation)
        .where(Evaluation.id == evaluation_id)
        .options(selectinload(Evaluation.shards))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).one_or_none()


def fetch_evaluation(session: Session, evaluation_id: str) -> Evaluation | None:
    query = (
        select(Evaluation)
        .where(Evaluation.id == evaluation_id)
        .options(
            selectinload(Evaluation.shards),
            joinedload(Evaluation.spec).joinedload(EvaluationSpec.problem),
            joinedload(Evaluation.submission),
        )
    )
    return session.scalars(query).one_or_none()


def fetch_earlier(session: Session, evaluation: Evaluation, *, limit: int) -> list[Evaluation]:
    """Those that ran the same bytes to an end under the same terms on the same class of node, newest first."""
    digest = select(Submission.source_digest).where(Submission.id == evaluation.submission_id).scalar_subquery()
    query = (
        select(Evaluation)
        .join(Submission)
        .where(
            Submission.source_digest == digest,
            Submission.purpose.in_(GATED),
            Evaluation.spec_id == evaluation.spec_id,
            Evaluation.node_class == evaluation.node_class,
            Evaluation.verdict.in_((Verdict.SCORED, Verdict.OVER_BUDGET)),
            Evaluation.id != evaluation.id,
        )
        .options(selectinload(Evaluation.shards))
    )
    return list(session.scalars(query.order_by(Evaluation.created_at.desc(), Evaluation.id.desc()).limit(limit)))


def fetch_shard(session: Session, shard_id: str) -> Shard | None:
    return session.scalars(select(Shard).where(Shard.id == shard_id)).one_or_none()


def load_attempts() -> ExecutableOption:
    """Attempts that participants may know of, with the specs that say how much of them: of the public phase, or of
    the practice phase for what was submitted to it.

    Those of the private phase, and those of a rejudge that was not promoted, are read by their own queries
    (phases.py, rejudges.py) alone.
    """
    shown = Submission.evaluations.and_(Evaluation.phase.in_(_SHOWN), Evaluation.counts)
    return selectinload(shown).options(selectinload(Evaluation.shards), selectinload(Evaluation.spec))


def fetch_submission(session: Session, submission_id: str) -> Submission | None:
    query = (
        select(Submission)
        .where(Submission.id == submission_id)
        .options(
            joinedload(Submission.user),
            joinedload(Submission.team).selectinload(Team.members),
            joinedload(Submission.competition).joinedload(Competition.spec).joinedload(EvaluationSpec.problem),
            load_attempts(),
        )
    )
    return session.scalars(query).one_or_none()


def fetch_submissions_of_user(
    session: Session, user_id: str, *, limit: int, before: str | None, competition_id: str | None = None
) -> list[Submission]:
    """One's own and one's teams', newest first; `before` is the id of the last one seen (ids sort by creation)."""
    teams = select(TeamMember.team_id).where(TeamMember.user_id == user_id)
    # a union: one OR over two indices makes databases read the whole table
    own = select(Submission.id).where(Submission.user_id == user_id)
    theirs = select(Submission.id).where(Submission.team_id.in_(teams))
    query = select(Submission).where(Submission.id.in_(own.union(theirs)))
    if before is not None:
        query = query.where(Submission.id < before)
    if competition_id is not None:
        query = query.where(Submission.competition_id == competition_id)
    query = query.options(
        joinedload(Submission.user),
        joinedload(Submission.team).selectinload(Team.members),
        joinedload(Submission.competition).joinedload(Competition.spec).joinedload(EvaluationSpec.problem),
        load_attempts(),
    )
    return list(session.scalars(query.order_by(Submission.id.desc()).limit(limit)))


def fetch_submissions_of_competition(session: Session, competition_id: str, *, limit: int) -> list[Submission]:
    """Everybody's, newest first, without the platform's own runs."""
    query = (
        select(Submission)
        .where(Submission.competition_id == competition_id, Submission.purpose != Purpose.CALIBRATION)
        .options(
            joinedload(Submission.user),
            joinedload(Submission.team),
            load_attempts(),
        )
    )
    return list(session.scalars(query.order_by(Submission.id.desc()).limit(limit)))


def is_charged_to(user_id: str, competition_id: str) -> ColumnElement[bool]:
    """A user's quota is their team's: what the team submitted and what its members did, in whatever team they were."""
    team = (
        select(TeamMember.team_id)
        .where(TeamMember.user_id == user_id, TeamMember.competition_id == competition_id)
        .scalar_subquery()
    )
    members = select(TeamMember.user_id).where(TeamMember.team_id == team)
    own, teams, others = (
        select(Submission.id).where(Submission.competition_id == competition_id, whose)
        for whose in (Submission.user_id == user_id, Submission.team_id == team, Submission.user_id.in_(members))
    )
    return Submission.id.in_(own.union(teams, others))  # a union for the reason above


def given_back(phase: PhaseKind) -> tuple[ColumnElement[bool], ...]:
    """An attempt that was refused on arrival, failed by our own fault or was stopped: its submission is not counted."""
    return (
        Evaluation.submission_id == Submission.id,
        Evaluation.refunded.is_(True),
        Evaluation.counts.is_(True),
        Evaluation.phase == phase,
    )


def is_given_back(session: Session, evaluation: Evaluation, now: datetime) -> bool:
    """Whether a verdict that no work was wasted on, or only ours, costs its author nothing: so many of a kind a day."""
    submission = session.get_one(Submission, evaluation.submission_id)
    competition = session.get_one(Competition, submission.competition_id)
    already = (
        select(func.count())
        .select_from(Evaluation)
        .join(Submission)
        .where(
            is_charged_to(submission.user_id, competition.id),
            Evaluation.verdict == evaluation.verdict,
            Evaluation.refunded,
            Evaluation.counts,
            Evaluation.finished_at >= start_of_day(now),
            Evaluation.id != evaluation.id,
        )
    )
    return session.scalars(already).one() < competition.daily_refunds


def has_failed_repeatedly(session: Session, competition_id: str, user_id: str) -> bool:
    """Whether the platform failed at each of the latest of an author's, or the author's team's, that have ended."""
    newest = (
        select(Evaluation.verdict)
        .join(Submission)
        .where(is_charged_to(user_id, competition_id), Evaluation.counts, Evaluation.status == Status.FINISHED)
        .order_by(Evaluation.finished_at.desc())
        .limit(HELD_AFTER)
    )
    verdicts = list(session.scalars(newest))
    return len(verdicts) == HELD_AFTER and set(verdicts) == {Verdict.PLATFORM_ERROR}


def is_of(phase: PhaseKind) -> ColumnElement[bool]:
    is_practice = Submission.purpose == Purpose.PRACTICE
    return is_practice if phase is PhaseKind.PRACTICE else ~is_practice


def count_submissions_since(
    session: Session,
    competition_id: str,
    user_id: str,
    since: datetime | None = None,
    *,
    phase: PhaseKind = PhaseKind.PUBLIC,
) -> int:
    """Count what a phase's quota counts: everything but what was given back."""
    ours = exists().where(*given_back(phase))
    query = (
        select(func.count())
        .select_from(Submission)
        .where(
            is_charged_to(user_id, competition_id),
            is_of(phase),
            ~ours,
        )
    )
    if since is not None:
        query = query.where(Submission.created_at >= since)
    return session.scalars(query).one()


def count_live_submissions(
    session: Session, competition_id: str, user_id: str, *, phase: PhaseKind = PhaseKind.PUBLIC
) -> int:
    query = (
        select(func.count())
        .select_from(Evaluation)
        .join(Submission)
        .where(
            is_charged_to(user_id, competition_id),
            Evaluation.status.in_(LIVE),
            Evaluation.counts,
            Evaluation.phase == phase,
        )
    )
    return session.scalars(query).one()


def is_newest_that_counts() -> ColumnElement[bool]:
    """Of its submission, in its phase."""
    later = aliased(Evaluation)
    is_later = exists().where(
        later.submission_id == Evaluation.submission_id,
        later.counts,
        later.phase == Evaluation.phase,
        later.created_at > Evaluation.created_at,
    )
    return Evaluation.counts & ~is_later


def count_outcomes(session: Session, competition_id: str) -> dict[str, int]:
    """How many submissions for the board ended by which verdict, and how many have not (by status)."""
    outcome = func.coalesce(Evaluation.verdict, Evaluation.status, type_=String)  # of neither enum
    query = (
        select(outcome, func.count())
        .join(Submission)
        .where(
            Submission.competition_id == competition_id,
            Submission.purpose == Purpose.RANKED,
            Evaluation.phase == PhaseKind.PUBLIC,
            is_newest_that_counts(),
        )
        .group_by(outcome)
    )
    return {name: count for name, count in session.execute(query)}


def count_queued_before(session: Session, evaluation: Evaluation) -> int:
    query = (
        select(func.count())
        .select_from(Evaluation)
        .where(Evaluation.status.in_(LIVE), Evaluation.counts, Evaluation.created_at < evaluation.created_at)
    )
    return session.scalars(query).one()


def fetch_events(session: Session, evaluation_id: str, *, after: int = 0) -> list[EvaluationEvent]:
    query = select(EvaluationEvent).where(EvaluationEvent.evaluation_id == evaluation_id, EvaluationEvent.id > after)
    return list(session.scalars(query.order_by(EvaluationEvent.id)))


def fetch_replicas(session: Session, evaluation_id: str) -> Sequence[Replica]:
    query = select(Replica).where(Replica.evaluation_id == evaluation_id).order_by(Replica.position)
    return session.scalars(query).all()


def fetch_scorecard(session: Session, evaluation_id: str) -> Scorecard | None:
    whole = (undefer(Scorecard.body), undefer(Scorecard.epsilon_svg), undefer(Scorecard.confidence_svg))
    return session.get(Scorecard, evaluation_id, options=whole)


def fetch_examples(session: Session, evaluation_id: str) -> list[Any]:
    """The single forget examples kept with a scorecard; empty without one."""
    query = select(Scorecard.examples).where(Scorecard.evaluation_id == evaluation_id)
    return list(session.scalars(query).one_or_none() or [])


def fetch_summaries(session: Session, evaluation_ids: Sequence[str]) -> dict[str, ScorecardSummary]:
    """What lists need of many scorecards, without reading their bodies."""
    query = select(Scorecard.evaluation_id, Scorecard.summary).where(Scorecard.evaluation_id.in_(evaluation_ids))
    return {evaluation_id: parse_summary(summary) for evaluation_id, summary in session.execute(query)}


def count_comparable(session: Session, spec_id: str) -> int:
    """What was or is being scored under a spec for a board: while there is any the spec must stay."""
    query = select(func.count()).select_from(Evaluation).join(Submission)
    is_comparable = Evaluation.score.is_not(None) | Evaluation.verdict.is_(None)
    is_on_board = Submission.purpose.not_in(OFF_BOARD)
    return session.scalars(query.where(Evaluation.spec_id == spec_id, is_comparable, is_on_board)).one()


def lock_unscored(session: Session, evaluation_id: str, now: datetime) -> Evaluation | None:
    """One whose score is to be computed and that no worker has; None of any other."""
    row = lock_evaluation(session, evaluation_id)
    if row is None or row.status != Status.SCORING or (row.scoring_until is not None and row.scoring_until > now):
        return None
    return row


def claim_scoring(session: Session, evaluation_id: str, *, now: datetime, until: datetime) -> int:
    """Take the scoring of an evaluation; return the new fence, or 0 if another worker has it or nothing is scored.

    A lease that ran out without a fault was of a scorer that was lost; what loses one after the other ends.
    """
    row = lock_unscored(session, evaluation_id, now)
    if row is None:
        return 0
    if row.scoring_until is not None and not row.score_fault:
        row.score_losses += 1
    if row.score_losses >= MOST_SCORE_LOSSES:
        row.scoring_until = None
        reason = f"the platform lost {row.score_losses} workers at its score"
        move(session, row, Status.FINISHED, verdict=Verdict.PLATFORM_ERROR, reason=reason)
        return 0
    row.scoring_until, row.scoring_since, row.score_fault = until, now, ""
    row.scoring_fence += 1
    return row.scoring_fence


def renew_scoring(session: Session, evaluation_id: str, fence: int, until: datetime) -> bool:
    """Extend the lease; False when the fence is outdated, or the evaluation no longer to be scored."""
    query = update(Evaluation).where(Evaluation.id == evaluation_id, Evaluation.status == Status.SCORING)
    query = query.where(Evaluation.scoring_fence == fence)
    result = session.execute(query.values(scoring_until=until))
    return isinstance(result, CursorResult) and result.rowcount == 1


def holds_scoring(evaluation: Evaluation, fence: int) -> bool:
    """Whether what a scorer with this fence found still counts. The evaluation is locked."""
    return evaluation.status == Status.SCORING and evaluation.scoring_fence == fence


def fetch_cancelling_ids(session: Session) -> list[str]:
    return list(session.scalars(select(Evaluation.id).where(Evaluation.status == Status.CANCELLING)))


def fetch_status(session: Session, evaluation_id: str) -> str | None:
    return session.scalars(select(Evaluation.status).where(Evaluation.id == evaluation_id)).one_or_none()


def store_submission(session: Session, submission: Submission) -> None:
    session.add(submission)
    session.flush()
