"""SQL for whoever watches the platform from outside: how much there is of what, and how much there ever was."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.models.data_sets import DataSetVersion
from core.db.models.problems import PoolChunk
from core.db.models.submissions import Evaluation, Replica, Shard
from core.db.queries.leases import LeasedModel
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState

PIECES: Mapping[str, LeasedModel] = {"shard": Shard, "pool_chunk": PoolChunk, "data_set": DataSetVersion}


@dataclass(frozen=True, slots=True)
class Totals:
    """Over the whole life of the platform; none of them falls."""

    verdicts: Mapping[Verdict, int]
    refunded: int
    replicas: int
    cpu_seconds: float
    wall_seconds: float


def fetch_totals(session: Session) -> Totals:
    verdicts = session.execute(
        select(Evaluation.verdict, func.count())
        .where(Evaluation.status == Status.FINISHED)
        .group_by(Evaluation.verdict)
    )
    refunded = select(func.count()).where(Evaluation.refunded.is_(True))
    spent = select(func.count(), func.sum(Replica.cpu_seconds), func.sum(Replica.wall_seconds)).select_from(Replica)
    replicas, cpu, wall = session.execute(spent).one()
    return Totals(
        verdicts={verdict: count for verdict, count in verdicts if verdict is not None},
        refunded=session.scalars(refunded).one(),
        replicas=replicas,
        cpu_seconds=float(cpu or 0),
        wall_seconds=float(wall or 0),
    )


def count_pieces(session: Session, model: LeasedModel) -> dict[WorkState, int]:
    query = select(model.state, func.count()).group_by(model.state)
    return {state: count for state, count in session.execute(query)}


def count_expired(session: Session, model: LeasedModel, now: datetime) -> int:
    """Leases that ran out and that the janitor has not seen to yet."""
    query = select(func.count()).where(model.state == WorkState.LEASED, model.lease_until < now)
    return session.scalars(query).one()
