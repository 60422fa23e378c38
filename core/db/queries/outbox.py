"""SQL about tasks that wait to be handed to the broker."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.db.models.operations import Outbox

RESERVED = 5  # one place in so many


def store_message(session: Session, task: str, object_id: str, priority: int = 0) -> Outbox:
    row = Outbox(task=task, object_id=object_id, priority=priority)
    session.add(row)
    session.flush()
    return row


def fetch_unsent(session: Session, before: datetime, *, limit: int = 500) -> list[Outbox]:
    """What is ordinary first; but a share of the places is for the rest, if there is any.

    Ordinary work that waits for a class of node which is gone is put off at every sweep, and would fill every place.
    """
    query = select(Outbox).where(Outbox.created_at < before).order_by(Outbox.priority, Outbox.id)
    kept = list(session.scalars(query.where(Outbox.priority > 0).limit(limit // RESERVED)))
    others = query.where(Outbox.id.not_in([row.id for row in kept])).limit(limit - len(kept))
    return sorted([*session.scalars(others), *kept], key=lambda row: (row.priority, row.id))


def delete_message(session: Session, message_id: str) -> None:
    session.execute(delete(Outbox).where(Outbox.id == message_id))


def has_message(session: Session, task: str, object_id: str) -> bool:
    query = select(Outbox.id).where(Outbox.task == task, Outbox.object_id == object_id).limit(1)
    return session.scalars(query).first() is not None


def fetch_addresses(session: Session) -> set[tuple[str, str]]:
    """Task and object of every message that is to be sent."""
    return {(task, object_id) for task, object_id in session.execute(select(Outbox.task, Outbox.object_id))}
