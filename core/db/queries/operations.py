"""SQL about the work that waits, what does not move on, and what was spent."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, joinedload, load_only, selectinload

from core.db.models.contests import Competition, Team
from core.db.models.operations import Outbox
from core.db.models.problems import Pool, PoolChunk
from core.db.models.submissions import Evaluation, EvaluationEvent, Replica, Shard, Submission
from core.db.queries.evaluations import LIVE
from core.db.queries.rejudges import waits_for_resumption
from core.domain.leaderboard import Purpose
from core.domain.operations import Cost
from core.domain.pools import PoolState
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState

RECENT = 20  # evaluations that say what one costs
UNTYPICAL = (Verdict.WITHDRAWN, Verdict.PLATFORM_ERROR)  # ended in the middle, by no doing of their own


@dataclass(frozen=True, slots=True)
class LiveGroup:
    purpose: Purpose
    status: Status
    is_rejudge: bool
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Spent:
    """What the counted replicas of one evaluation took."""

    started_at: datetime
    competition: str
    team: str | None
    purpose: Purpose
    is_rejudge: bool
    replicas: int
    cpu_seconds: float
    wall_seconds: float


def fetch_live_groups(session: Session) -> list[LiveGroup]:
    """Evaluations that have not ended, by what they are for and where they are."""
    is_rejudge = Evaluation.rejudge_id.is_not(None)
    oldest = func.min(Evaluation.created_at)
    query = (
        select(Submission.purpose, Evaluation.status, is_rejudge, func.count(), oldest)
        .join(Submission)
        .where(Evaluation.status.in_(LIVE))
        .group_by(Submission.purpose, Evaluation.status, is_rejudge)
        .order_by(is_rejudge, Submission.purpose, oldest)
    )
    return [LiveGroup(row[0], row[1], bool(row[2]), row[3], row[4]) for row in session.execute(query)]


def fetch_unfinished(session: Session) -> list[tuple[Evaluation, Purpose]]:
    """Live evaluations with their shards; what a paused rejudge has not begun, or staff are to look at, is left out."""
    query = (
        select(Evaluation, Submission.purpose)
        .join(Submission)
        .where(Evaluation.status.in_(LIVE), ~waits_for_resumption(), Evaluation.held.is_(None))
        .options(
            load_only(Evaluation.status, Evaluation.replicas_total, Evaluation.node_class, Evaluation.spec_id),
            selectinload(Evaluation.shards).load_only(Shard.finished_replicas, Shard.count),
        )
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def fetch_cost(session: Session, spec_id: str) -> Cost | None:
    """What the newest evaluations of a spec kept workers busy with; None if none has ended."""
    ended = (
        select(Evaluation)
        .join(Submission)
        .where(Evaluation.spec_id == spec_id, Evaluation.status == Status.FINISHED)
        .where(Evaluation.verdict.not_in(UNTYPICAL), Submission.purpose != Purpose.CALIBRATION)
        .options(load_only(Evaluation.finished_at, Evaluation.scoring_since), selectinload(Evaluation.shards))
        .order_by(Evaluation.finished_at.desc())
        .limit(RECENT)
    )
    costs = [_find_cost(row) for row in session.scalars(ended) if any(shard.claimed_at for shard in row.shards)]
    if not costs:
        return None
    return Cost(*(statistics.fmean(values) for values in zip(*map(astuple, costs), strict=True)))


def fetch_mean_seconds(session: Session, spec_id: str) -> tuple[float, float] | None:
    """Processor and wall seconds of a replica, over the newest scored evaluations of a spec."""
    recent = (
        select(Evaluation.id)
        .where(Evaluation.spec_id == spec_id, Evaluation.score.is_not(None))
        .order_by(Evaluation.created_at.desc())
        .limit(RECENT)
    )
    query = select(func.avg(Replica.cpu_seconds), func.avg(Replica.wall_seconds))
    cpu, wall = session.execute(query.where(Replica.evaluation_id.in_(recent))).one()
    return None if cpu is None else (float(cpu), float(wall))


def count_waiting_shards(session: Session) -> int:
    query = select(func.count()).select_from(Shard).join(Evaluation)
    return session.scalars(query.where(Shard.state == WorkState.PENDING, Evaluation.status.in_(LIVE))).one()


def count_waiting_chunks(session: Session) -> int:
    query = select(func.count()).select_from(PoolChunk).join(Pool)
    return session.scalars(query.where(PoolChunk.state == WorkState.PENDING, Pool.state != PoolState.RETIRED)).one()


def fetch_unsent_state(session: Session) -> tuple[int, datetime | None]:
    """How many messages the broker has not got, and since when the first waits."""
    count, oldest = session.execute(select(func.count(), func.min(Outbox.created_at))).one()
    return int(count), oldest


def fetch_waiting(
    session: Session, *, before: datetime, now: datetime, limit: int
) -> list[tuple[Evaluation, datetime]]:
    """Live evaluations that nobody works at and that have not moved since `before`, with their last move.

    Those of a rejudge wait for everybody else: they are left out while they are queued, unless a shard says more.
    """
    moved = (
        select(EvaluationEvent.evaluation_id, func.max(EvaluationEvent.at).label("at"))
        .group_by(EvaluationEvent.evaluation_id)
        .subquery()
    )
    run = exists().where(
        Shard.evaluation_id == Evaluation.id, Shard.state == WorkState.LEASED, Shard.lease_until >= now
    )
    scored = func.coalesce(Evaluation.scoring_until >= now, False) & (Evaluation.score_fault == "")
    told = exists().where(Shard.evaluation_id == Evaluation.id, Shard.state == WorkState.PENDING, Shard.fault != "")
    yielding = (Evaluation.status == Status.QUEUED) & Evaluation.rejudge_id.is_not(None) & ~told
    query = (
        select(Evaluation, moved.c.at)
        .join(moved, moved.c.evaluation_id == Evaluation.id)
        .where(Evaluation.status.in_(LIVE), moved.c.at < before, ~run, ~scored, ~yielding)
        .options(
            selectinload(Evaluation.shards),
            joinedload(Evaluation.submission).joinedload(Submission.user),
            joinedload(Evaluation.submission).joinedload(Submission.team),
            joinedload(Evaluation.submission).joinedload(Submission.competition),
        )
        .order_by(moved.c.at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def fetch_spent(session: Session, since: datetime, competition_id: str | None) -> Sequence[Spent]:
    """Every evaluation that was begun since then, with the time of the replicas it counted."""
    query = (
        select(
            Evaluation.started_at,
            Competition.slug,
            Team.name,
            Submission.purpose,
            Evaluation.rejudge_id.is_not(None),
            func.count(),
            func.sum(Replica.cpu_seconds),
            func.sum(Replica.wall_seconds),
        )
        .select_from(Replica)
        .join(Evaluation, Evaluation.id == Replica.evaluation_id)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Competition, Competition.id == Submission.competition_id)
        .outerjoin(Team, Team.id == Submission.team_id)
        .where(Evaluation.started_at >= since)
        .group_by(Evaluation.id, Evaluation.started_at, Competition.slug, Team.name, Submission.purpose)
    )
    if competition_id is not None:
        query = query.where(Submission.competition_id == competition_id)
    return [
        Spent(row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6], row[7])
        for row in session.execute(query)
        if row[0] is not None
    ]


def _find_cost(row: Evaluation) -> Cost:
    took = {
        shard.position: (shard.moved_at - shard.claimed_at).total_seconds()
        for shard in row.shards
        if shard.claimed_at is not None and shard.state == WorkState.DONE
    }
    score = 0.0
    if row.scoring_since is not None and row.finished_at is not None:
        score = (row.finished_at - row.scoring_since).total_seconds()
    longest = max((seconds for position, seconds in took.items() if position), default=0.0)
    return Cost(took.get(0, 0.0), longest, score, sum(took.values()) + score)


def count_our_failures(session: Session, now: datetime, *, days: int = 7) -> list[tuple[str, int]]:
    """Evaluations that failed on our side, by the UTC day on which they ended, the newest first."""
    query = select(Evaluation.finished_at).where(
        Evaluation.verdict == Verdict.PLATFORM_ERROR, Evaluation.finished_at >= now - timedelta(days=days)
    )
    found = Counter(at.date().isoformat() for at in session.scalars(query) if at is not None)
    return sorted(found.items(), reverse=True)
