"""What keeps the platform honest and moving: the audit log and tasks to send."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, new_id, utc_now


class AuditEntry(Base):
    """One deed of staff; triggers refuse to change or delete it."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    actor: Mapped[str]  # a name: accounts may go, what they did stays
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]]
    previous_sha256: Mapped[str] = mapped_column(unique=True)  # two entries cannot follow the same one
    sha256: Mapped[str] = mapped_column(unique=True)


class AuditHead(Base):
    """The digest of the last entry, in one row that is locked to append."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str]


class Outbox(Base):
    """Tasks to send; a row is written with the change that calls for it and deleted once the broker has it."""

    __tablename__ = "outbox"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    task: Mapped[str]
    object_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
