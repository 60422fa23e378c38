"""What an organizer may set of a competition while it runs; every change is recorded with its reason."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.competitions.standing import check_locks
from api.deps import Caller
from api.organize.schemas import SettingsChange
from core.db.models.contests import Competition
from core.db.queries import audit, competitions
from core.domain.errors import InvalidInput


def change_settings(session: Session, slug: str, change: SettingsChange, caller: Caller) -> Competition:
    row = competitions.lock_competition(session, load_competition(session, slug, caller).id)
    changed = {name: value for name, value in change.named.items() if not _is_same(value, getattr(row, name))}
    if not changed:
        raise InvalidInput("these are the present values: change at least one")
    check_locks(session, row, changed)
    detail = {name: [_write_value(getattr(row, name)), _write_value(value)] for name, value in changed.items()}
    for name, value in changed.items():
        setattr(row, name, value)
    audit.record(
        session,
        actor=caller.name,
        action="competition.settings",
        subject=f"competition/{row.slug}",
        detail={**detail, "reason": change.reason},
    )
    return load_competition(session, slug, caller)


def _is_same(value: Any, present: Any) -> bool:
    """Forms write a deadline in whole seconds: the same second is no other deadline."""
    if isinstance(value, datetime) and isinstance(present, datetime):
        return value == present or value == present.replace(microsecond=0)
    return bool(value == present)


def _write_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
