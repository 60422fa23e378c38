"""SQL about second factors and the codes in their place."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.db.models.accounts import RecoveryCode, SecondFactor


def fetch_factor(session: Session, user_id: str, *, lock: bool = False) -> SecondFactor | None:
    query = select(SecondFactor).where(SecondFactor.user_id == user_id)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def is_confirmed(session: Session, user_id: str) -> bool:
    factor = fetch_factor(session, user_id)
    return factor is not None and factor.confirmed_at is not None


def store_factor(session: Session, factor: SecondFactor) -> None:
    session.add(factor)
    session.flush()


def delete_factor(session: Session, user_id: str) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


def store_codes(session: Session, user_id: str, digests: list[str]) -> None:
    """In place of those before."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_sha256=digest) for digest in digests)
    session.flush()


def use_code(session: Session, user_id: str, digest: str, now: datetime) -> bool:
    query = select(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_sha256 == digest, RecoveryCode.used_at.is_(None)
    )
    code = session.scalars(query.with_for_update()).one_or_none()
    if code is None:
        return False
    code.used_at = now
    return True


def count_codes(session: Session, user_id: str) -> int:
    """Those that are left."""
    query = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalars(query).one()
