"""SQL about shares of the workers: which of the shards that wait a free worker takes."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from core.db.models.submissions import Evaluation, Shard, Submission
from core.db.queries.evaluations import LIVE
from core.db.queries.rejudges import waits_for_resumption
from core.domain.leaderboard import Purpose
from core.domain.submission import Status
from core.domain.work import WorkState

BEGINNING = (Status.QUEUED, Status.CANARY, Status.RUNNING)


def fetch_turns(
    session: Session,
    node_class: str,
    now: datetime,
    *,
    limit: int,
    purposes: Collection[Purpose] = tuple(Purpose),
    waits: bool = False,
) -> list[str]:
    """Shards that nothing keeps from running on this class, the one whose turn it is first.

    Rejudges come last. Then the team that holds fewest workers, and among equals the one that waits longest for its
    next; of one team, what it began before what it did not. So a team with a hundred entries holds up another one's
    only entry by no more than the shards that run at this moment.
    waits: those that said what they wait for, in place of those that wait for nothing.
    """
    team = func.coalesce(Submission.team_id, Submission.user_id)
    holds = and_(Shard.state == WorkState.LEASED, Shard.lease_until >= now)
    shares = (
        select(team.label("team"), func.count().filter(holds).label("held"), func.max(Shard.claimed_at).label("served"))
        .select_from(Shard)
        .join(Evaluation)
        .join(Submission)
        .where(Evaluation.status.in_(LIVE))
        .group_by(team)
        .subquery()
    )
    query = (
        select(Shard.id)
        .join(Evaluation)
        .join(Submission)
        .join(shares, shares.c.team == team)
        .where(
            Shard.state == WorkState.PENDING,
            Shard.fault != "" if waits else Shard.fault == "",  # the former come up again by their own messages
            Submission.purpose.in_(purposes),
            Evaluation.status.in_(BEGINNING),
            Evaluation.held.is_(None),
            Evaluation.node_class.in_(("", node_class)),
            ~waits_for_resumption(),
        )
        .order_by(
            Evaluation.rejudge_id.is_not(None),
            shares.c.held,
            shares.c.served.is_not(None),
            shares.c.served,
            Evaluation.status == Status.QUEUED,
            Evaluation.created_at,
            Evaluation.id,
            Shard.position,
        )
        .limit(limit)
    )
    return list(session.scalars(query))
