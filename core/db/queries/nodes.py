"""SQL about the machines that run workers."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload

from core.db.models.operations import Node
from core.db.models.problems import PoolChunk
from core.db.models.submissions import Evaluation, Shard
from core.domain.operations import Health, get_health
from core.domain.runtime import CpuClock
from core.domain.work import WorkState


def fetch_nodes(session: Session, since: datetime) -> list[Node]:
    """Those seen since then: containers come back under new names."""
    return list(session.scalars(select(Node).where(Node.last_seen_at >= since).order_by(Node.name)))


def fetch_node(session: Session, name: str) -> Node | None:
    return session.get(Node, name)


def lock_node(session: Session, name: str) -> Node | None:
    return session.get(Node, name, with_for_update=True, populate_existing=True)


def store_node(session: Session, node: Node) -> None:
    session.add(node)
    session.flush()


def is_draining(session: Session, name: str) -> bool:
    query = select(Node.name).where(Node.name == name, Node.draining_since.is_not(None))
    return session.scalars(query).one_or_none() is not None


def find_fault(session: Session, name: str) -> str:
    """Why a node can run nothing; empty if it can, or never reported."""
    return session.scalars(select(Node.fault).where(Node.name == name)).one_or_none() or ""


def takes_work(node: Node, now: datetime) -> bool:
    """Whether it lives, can run something, and neither drains nor rests."""
    health = get_health(last_seen_at=node.last_seen_at, fault=node.fault, resting_until=node.resting_until, now=now)
    return health is Health.HEALTHY and node.draining_since is None


def is_resting(node: Node, now: datetime) -> bool:
    return node.resting_until is not None and node.resting_until > now


def record_success(session: Session, name: str, now: datetime, *, clock: CpuClock) -> None:
    """Whatever it failed at before, it works, and timed what it did by this clock."""
    values = {"succeeded_at": now, "strikes": 0, "resting_until": None, "rest_reason": "", "clock": clock}
    session.execute(update(Node).where(Node.name == name).values(values))


def fetch_held_shards(session: Session, now: datetime) -> list[Shard]:
    """What is being worked at, under live leases."""
    query = (
        select(Shard)
        .where(Shard.state == WorkState.LEASED, Shard.lease_until >= now)
        .options(joinedload(Shard.evaluation))
    )
    return list(session.scalars(query.order_by(Shard.id)))


def count_held(session: Session, now: datetime) -> int:
    """Shards, pool chunks and scores under live leases: each keeps a worker busy."""
    counts = [
        select(func.count()).select_from(row).where(row.state == WorkState.LEASED, row.lease_until >= now)
        for row in (Shard, PoolChunk)
    ]
    scored = (Evaluation.scoring_until >= now, Evaluation.score_fault == "")
    counts.append(select(func.count()).select_from(Evaluation).where(*scored))
    return sum(session.scalars(query).one() for query in counts)


def fetch_held_chunks(session: Session, now: datetime) -> list[PoolChunk]:
    query = select(PoolChunk).where(PoolChunk.state == WorkState.LEASED, PoolChunk.lease_until >= now)
    return list(session.scalars(query.order_by(PoolChunk.id)))
