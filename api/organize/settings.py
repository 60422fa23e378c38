"""What an organizer may set of a competition while it runs; every change is recorded with its reason."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.competitions.standing import check_approvals, check_unread
from api.decisions import Decision
from api.deps import Caller
from core.db.models.contests import Competition
from core.db.queries import audit, competitions
from core.domain.errors import InvalidInput
from core.domain.moments import to_utc

Limit = Annotated[int, Field(ge=1, le=100_000)]


class SettingsChange(Decision):
    """What is not named stays as it is."""

    closes_at: Annotated[AwareDatetime, AfterValidator(to_utc)] | None = Field(
        None, description="the deadline; null: until somebody closes it"
    )
    daily_limit: Limit = Field(1, description="submissions of a team a UTC day")
    concurrent_limit: Limit = Field(1, description="unfinished submissions of a team")
    total_limit: Limit | None = Field(None, description="submissions of a team in all; null: no such limit")
    practice_daily_limit: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0, description="practice submissions of a team a UTC day; 0 closes the practice phase"
    )
    practice_concurrent_limit: Limit = Field(1, description="unfinished practice submissions of a team")
    selection_limit: Limit = Field(1, description="submissions of a team in the final ranking")
    publish_approvals: Annotated[int, Field(ge=1, le=2)] = Field(
        1, description="2: publishing the final board takes two of the staff"
    )

    @property
    def named(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in sorted(self.model_fields_set - {"reason"})}


def change_settings(session: Session, slug: str, change: SettingsChange, caller: Caller) -> Competition:
    row = competitions.lock_competition(session, load_competition(session, slug, caller).id)
    changed = {name: value for name, value in change.named.items() if value != getattr(row, name)}
    if not changed:
        raise InvalidInput("that is how it is already: name something to change")
    if "closes_at" in changed or "selection_limit" in changed:
        check_unread(session, row)
    if "publish_approvals" in changed:
        check_approvals(session, row, changed["publish_approvals"])
    detail = {name: [_show(getattr(row, name)), _show(value)] for name, value in changed.items()}
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


def _show(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
