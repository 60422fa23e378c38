"""SQL about nodes that work over HTTP: their keys, and what they asked for, hold and brought back."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, not_, select, update
from sqlalchemy.orm import Session

from core.db.models.operations import Node, NodeKey, NodeLease
from core.db.models.problems import EvaluationSpec, Pool
from core.db.models.submissions import Shard
from core.domain.fleet import REMOTE, LeaseState
from core.domain.pools import PoolKind
from core.domain.work import WorkState


def fetch_keys(session: Session) -> list[NodeKey]:
    return list(session.scalars(select(NodeKey).order_by(NodeKey.name)))


def fetch_key(session: Session, name: str) -> NodeKey | None:
    return session.get(NodeKey, name)


def lock_key(session: Session, name: str) -> NodeKey | None:
    return session.get(NodeKey, name, with_for_update=True, populate_existing=True)


def fetch_live_key(session: Session, token_sha256: str) -> NodeKey | None:
    query = select(NodeKey).where(NodeKey.token_sha256 == token_sha256, NodeKey.revoked_at.is_(None))
    return session.scalars(query).one_or_none()


def store_key(session: Session, key: NodeKey) -> None:
    session.add(key)
    session.flush()


def store_request(session: Session, node: str, until: datetime) -> str:
    """One slot of a node asks for work; the id of what it is to look at."""
    row = NodeLease(node=node, until=until)
    session.add(row)
    session.flush()
    return row.id


def withdraw_request(session: Session, lease_id: str) -> bool:
    """False if it was given something meanwhile."""
    query = delete(NodeLease).where(NodeLease.id == lease_id, NodeLease.state == LeaseState.ASKED)
    return bool(session.execute(query).rowcount)  # type: ignore[attr-defined]


def fetch_lease(session: Session, lease_id: str) -> NodeLease | None:
    return session.get(NodeLease, lease_id)


def lock_lease(session: Session, lease_id: str) -> NodeLease | None:
    return session.get(NodeLease, lease_id, with_for_update=True, populate_existing=True)


def fetch_requests(session: Session, now: datetime) -> list[NodeLease]:
    """The slots that wait for work, of nodes whose key lives; who waits longest first."""
    query = (
        select(NodeLease)
        .join(NodeKey, NodeKey.name == NodeLease.node)
        .where(NodeLease.state == LeaseState.ASKED, NodeLease.until > now, NodeKey.revoked_at.is_(None))
    )
    return list(session.scalars(query.order_by(NodeLease.id)))


def fetch_returned(session: Session) -> list[NodeLease]:
    query = select(NodeLease).where(NodeLease.state == LeaseState.RETURNED)
    return list(session.scalars(query.order_by(NodeLease.id)))


def forget(session: Session, lease_id: str) -> bool:
    """False if somebody else has."""
    return bool(session.execute(delete(NodeLease).where(NodeLease.id == lease_id)).rowcount)  # type: ignore[attr-defined]


def forget_old(session: Session, before: datetime) -> None:
    """What was asked, or held, by nobody who is still there."""
    is_held = exists().where(
        Shard.id == NodeLease.shard_id, Shard.fence == NodeLease.fence, Shard.state == WorkState.LEASED
    )
    session.execute(delete(NodeLease).where(NodeLease.until < before, not_(is_held)))


def end_leases(session: Session, node: str, now: datetime) -> int:
    """Of a node that is not trusted any more: its shards are lost at once, and the janitor sends them elsewhere.

    Its name is free for whoever comes with the next key.
    """
    mine = (Shard.worker == node, Shard.state == WorkState.LEASED, Shard.lease_until > now)
    lost = session.execute(update(Shard).where(*mine).values(lease_until=now))
    session.execute(delete(NodeLease).where(NodeLease.node == node))
    session.execute(update(Node).where(Node.name == node, Node.instance.like(f"{REMOTE}%")).values(instance=""))
    return int(lost.rowcount)  # type: ignore[attr-defined]


def fetch_seal(session: Session, spec_id: str, request: int) -> dict[str, Any] | None:
    """What the originals of one request of a problem were sealed with."""
    query = (
        select(Pool.seal)
        .join(EvaluationSpec, EvaluationSpec.problem_id == Pool.problem_id)
        .where(EvaluationSpec.id == spec_id, Pool.kind == PoolKind.ORIGINAL, Pool.request == request)
        .where(Pool.seal.is_not(None))
    )
    return session.scalars(query).first()
