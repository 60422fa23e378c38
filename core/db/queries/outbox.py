"""SQL about tasks that wait to be handed to the broker."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.db.models.operations import Outbox


def store_message(session: Session, task: str, object_id: str, priority: int = 0) -> Outbox:
    row = Outbox(task=task, object_id=object_id, priority=priority)
    session.add(row)
    session.flush()
    return row


def fetch_unsent(session: Session, before: datetime, *, limit: int = 500) -> list[Outbox]:
    query = select(Outbox).where(Outbox.created_at < before).order_by(Outbox.priority, Outbox.id).limit(limit)
    return list(session.scalars(query))


def delete_message(session: Session, message_id: str) -> None:
    session.execute(delete(Outbox).where(Outbox.id == message_id))
