"""SQL about the record of what staff did; `record` is the only way into it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.operations import AuditEntry, AuditHead
from core.domain.audit import Deed, Link, hash_deed


def record(session: Session, *, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Append a deed in the transaction that did it; the head's row is locked, so entries follow one another."""
    head = session.scalars(select(AuditHead).with_for_update().execution_options(populate_existing=True)).one()
    deed = Deed(actor=actor, action=action, subject=subject, detail=dict(detail), at=utc_now())
    digest = hash_deed(deed, head.sha256)
    session.add(
        AuditEntry(
            at=deed.at,
            actor=actor,
            action=action,
            subject=subject,
            detail=dict(detail),
            previous_sha256=head.sha256,
            sha256=digest,
        )
    )
    head.sha256 = digest
    session.flush()


@dataclass(frozen=True, slots=True)
class AuditChoice:
    """Which entries; what is empty chooses nothing."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None  # and not itself


def fetch_entries(
    session: Session, choice: AuditChoice, *, limit: int | None = None, before: int | None = None
) -> list[AuditEntry]:
    """Newest first; `before` is the id of the last one already seen."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    for name in ("actor", "action", "subject"):
        if getattr(choice, name):
            query = query.where(getattr(AuditEntry, name) == getattr(choice, name))
    if choice.since is not None:
        query = query.where(AuditEntry.at >= choice.since)
    if choice.until is not None:
        query = query.where(AuditEntry.at < choice.until)
    return list(session.scalars(query))


def fetch_names(session: Session) -> tuple[list[str], list[str]]:
    """Everybody who did something, and everything that was done."""
    actors, actions = (session.scalars(select(each).distinct()) for each in (AuditEntry.actor, AuditEntry.action))
    return sorted(actors), sorted(actions)


def iter_links(session: Session) -> Iterator[Link]:
    for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=500)):
        deed = Deed(actor=row.actor, action=row.action, subject=row.subject, detail=row.detail, at=row.at)
        yield Link(deed, row.previous_sha256, row.sha256)


def fetch_head(session: Session) -> str:
    return session.scalars(select(AuditHead.sha256)).one()
