"""Rejudges as staff ask for them and see them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.decisions import Reason
from core.domain.phases import PhaseKind
from core.domain.rejudge import RejudgeState
from core.domain.submission import Verdict

MOST_SUBMISSIONS = 500
SubmissionId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class RejudgeScope(BaseModel):
    """Which submissions; with neither filter all of the competition, withdrawn and unfinished ones aside."""

    model_config = ConfigDict(extra="forbid")

    competition: str = Field(max_length=200)
    phase: PhaseKind = Field(PhaseKind.PUBLIC, description="`private`: what the finalists scored, once it runs")
    verdicts: list[Verdict] = Field(
        [], max_length=len(Verdict), description="submissions that ended with these verdicts; empty: any"
    )
    submissions: list[SubmissionId] = Field([], max_length=MOST_SUBMISSIONS, description="these alone; empty: any")


class RejudgeRequest(RejudgeScope):
    reason: Reason = Field(description="participants read it once the rejudge is promoted")


class AffectedTeam(BaseModel):
    team: str = Field(description="team, or account of a reference")
    submissions: int


class RejudgePlan(BaseModel):
    """What a rejudge would do; nothing was started."""

    competition: str
    phase: PhaseKind
    spec_digest: str = Field(description="the spec of the new evaluations: the phase's present one")
    evaluations: int
    replicas: int
    cpu_seconds: float | None = Field(description="estimate from past runs; null if nothing like it ever ran")
    verdicts: dict[Verdict, int] = Field(description="verdicts so far")
    teams: list[AffectedTeam]


class RejudgeView(BaseModel):
    id: str
    competition: str
    phase: PhaseKind
    state: RejudgeState
    verdicts: list[Verdict] = Field(description="of the scope")
    submissions: list[str] = Field(description="of the scope")
    reason: str
    started_by: str
    created_at: datetime
    decided_by: str
    decided_at: datetime | None
    evaluations: int
    finished: int
    is_complete: bool = Field(description="everything has ended: it can be promoted")
    replicas: int
    finished_replicas: int
    ended: dict[Verdict, int] = Field(description="how many ended how")


class RejudgeList(BaseModel):
    items: list[RejudgeView]


class StandingView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    submission_id: str
    rank: int | None
    score: float | None
    low: float | None
    high: float | None
    verdict: Verdict


class MoveView(BaseModel):
    """One line of the board before and after; null: not on that board."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    filename: str
    old: StandingView | None
    new: StandingView | None
    climbed: int | None = Field(description="ranks won, negative when lost")
    overlaps: bool | None = Field(description="the two intervals have a point in common; null unless there are two")


class ChangeView(BaseModel):
    """One submission evaluated again."""

    submission_id: str
    name: str
    filename: str
    old: StandingView | None
    new: StandingView | None = Field(description="null while it runs")
    replaces: bool = Field(description="it would count; interrupted runs never do")
    overlaps: bool | None


class RejudgeComparison(BaseModel):
    rejudge: RejudgeView
    ranking: list[MoveView] = Field(description="the board with the rejudge; lines that leave it come last")
    evaluations: list[ChangeView]
