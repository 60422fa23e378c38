"""Requests and answers of organizers."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.decisions import Decision
from core.domain.competition import CompetitionState


class StateChange(Decision):
    state: CompetitionState


class AuditView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    previous_sha256: str
    sha256: str


class AuditPage(BaseModel):
    items: list[AuditView]
    next_before: int | None = Field(description="send it as `before` for older ones; null when there are none")


class AuditCheck(BaseModel):
    intact: bool
    entries: int
    head: str = Field(description="digest of the last entry; publish it to make the log provable")
    broken_at: int | None = Field(description="place of the first entry that does not hold, from 0")
