"""Flags as staff see and decide on them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.decisions import Decision
from api.paging import NEXT_BEFORE
from core.domain.leaderboard import Purpose
from core.domain.review import FlagVerdict


class FlagDecisionRequest(Decision):
    decision: FlagVerdict


class FlagDecisionView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    decision: FlagVerdict
    reason: str
    decided_by: str
    decided_at: datetime


class ReviewedFlag(BaseModel):
    code: str = Field(description="which check fired: docs/flags.md")
    severity: str
    value: float | None
    threshold: float | None
    detail: str
    decision: FlagDecisionView | None = Field(description="null until somebody looked")


class FlaggedEntry(BaseModel):
    evaluation_id: str
    submission_id: str
    competition: str
    by: str = Field(description="team, or account of a reference")
    filename: str
    purpose: Purpose
    score: float | None
    is_disqualified: bool
    flags: list[ReviewedFlag]


class FlagPage(BaseModel):
    items: list[FlaggedEntry]
    next_before: Annotated[str | None, NEXT_BEFORE]
