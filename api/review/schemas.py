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
    is_held: bool = Field(description="without a rank until its flags that hold it back are dismissed")
    flags: list[ReviewedFlag]


class FlagPage(BaseModel):
    items: list[FlaggedEntry]
    next_before: Annotated[str | None, NEXT_BEFORE]


class AlikeEntry(BaseModel):
    submission_id: str
    by: str = Field(description="team, or account")
    filename: str
    submitted_at: datetime


class AlikePair(BaseModel):
    """Submissions of two teams whose code is the same, or nearly; it accuses nobody."""

    earlier: AlikeEntry
    later: AlikeEntry
    share: float = Field(description="of the smaller one's code, without names and layout, that the other one has")
    is_same_file: bool
    decision: FlagDecisionView | None = Field(description="null until somebody decided")


class PairDecisionRequest(FlagDecisionRequest):
    earlier: str = Field(max_length=64)
    later: str = Field(max_length=64)


class AlikeList(BaseModel):
    competition: str
    items: list[AlikePair] = Field(description="the most alike first, one a pair of teams")


class SideLine(BaseModel):
    left: str | None
    right: str | None
    is_same: bool


class Sides(BaseModel):
    competition: str
    decision: FlagDecisionView | None
    a: AlikeEntry
    b: AlikeEntry
    lines: list[SideLine]
