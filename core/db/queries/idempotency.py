"""SQL about requests that were answered once and are answered the same way again."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models.accounts import IdempotencyKey
from core.domain.errors import Conflict


def fetch_key(session: Session, user_id: str, key: str) -> IdempotencyKey | None:
    query = select(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
    return session.scalars(query).one_or_none()


def store_key(session: Session, row: IdempotencyKey) -> None:
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise Conflict("another request with this Idempotency-Key is being answered") from None
