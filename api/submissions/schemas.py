"""What is told about a submission."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.finals.schemas import FinalResult
from api.leaderboard.schemas import Interval
from api.submissions.flags import FlagView
from core.domain.leaderboard import Purpose
from core.domain.phases import PhaseKind
from core.domain.submission import Owner, Status, Verdict


class RequestedPurpose(StrEnum):
    """Calibration runs are the platform's own and cannot be asked for."""

    RANKED = Purpose.RANKED.value
    REFERENCE = Purpose.REFERENCE.value
    PRACTICE = Purpose.PRACTICE.value


class Progress(BaseModel):
    finished: int
    total: int


class DecidedEarly(BaseModel):
    """The runs were stopped because the place on the board was clear: docs/adaptive.md."""

    after: int
    of: int


class Rejudged(BaseModel):
    """The organizers had it evaluated again, and the new result counts: docs/lifecycle.md."""

    at: datetime
    reason: str
    previous_verdict: Verdict | None
    previous_score: float | None


class Links(BaseModel):
    self: str
    events: str
    scorecard: str
    report: str
    source: str
    cancel: str
    page: str


class SubmissionView(BaseModel):
    id: str
    evaluation_id: str
    competition: str
    user: str = Field(description="who uploaded it")
    team: str = Field(description="who competes with it; empty for a reference")
    filename: str
    source_digest: str
    note: str
    purpose: Purpose
    phase: PhaseKind = Field(description="practice: on an open problem, everything is shown and nothing is ranked")
    status: Status
    verdict: Verdict | None
    fault_of: Owner | None = Field(description="whose fault the verdict is; null until there is one")
    code: str = Field(description="error code of a participant's fault; empty otherwise")
    reason: str = Field(description="one line; empty on hidden problems where it could carry data out")
    hint: str
    progress: Progress = Field(description="in replicas")
    decided_early: DecidedEarly | None = Field(description="in replicas; null when all of them run")
    rejudged: Rejudged | None = Field(description="null unless the result shown is that of a rejudge")
    queue_position: int | None = Field(description="1 is next; null when not queued")
    score: Interval | None
    relative_runtime: float | None
    compute_budget: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    has_scorecard: bool
    flags: list[FlagView] | None = Field(
        description="what a person should look at, none of it a verdict; null in lists and before the score"
    )
    is_selected: bool = Field(description="by its team for the final ranking; false for all but its team and staff")
    final: FinalResult | None = Field(
        description="of a finalist, once the final board is published; null before, and of what was no finalist"
    )
    is_disqualified: bool = Field(description="taken off the board by an organizer")
    disqualified_reason: str = Field(description="for its author and staff; empty for others")
    log: str | None = Field(description="what the code printed; for its author, in practice only")
    links: Links


class SubmissionPage(BaseModel):
    items: list[SubmissionView]
    next_cursor: str | None


class ScorecardView(BaseModel):
    """Everything the score was made from; docs/api.md lists the fields."""

    model_config = ConfigDict(extra="allow")

    metric_version: str
    protocol: str
    score: dict[str, float]
    protocols: dict[str, Any]
    ceiling: dict[str, Any]
    forgetting_quality: float
    utility: dict[str, Any]
    accuracy: dict[str, Any]
    unlearning_accuracy: float
    retain_accuracy: float
    test_accuracy: float
    relative_runtime: dict[str, Any]
    epsilon: dict[str, Any]
    replicas: dict[str, Any]
    provenance: dict[str, Any]
