"""Choosing finalists, and the private phase they are scored in."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.decisions import Decision
from api.leaderboard.schemas import Interval, Leaderboard
from core.domain.competition import CompetitionState
from core.domain.exposure import Exposure
from core.domain.phases import PhaseKind, PhaseState
from core.domain.submission import Status, Verdict

SELECTABLE = 100
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Choice(BaseModel):
    """A submission of the caller's team that may go into the final ranking."""

    submission_id: str
    filename: str
    note: str
    user: str
    verdict: Verdict | None = Field(description="null while it is being evaluated")
    score: float | None
    created_at: datetime
    is_selected: bool
    is_finalist: bool = Field(description="whether it would be scored in the private phase if the contest ended now")


class SelectionView(BaseModel):
    limit: int = Field(description="how many a team may select")
    is_open: bool
    closes_at: datetime | None
    items: list[Choice] = Field(description="newest first")


class SelectionRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    submission_ids: list[str] = Field(
        max_length=SELECTABLE, description="the whole selection; empty: the team's best submissions stand"
    )


class PhaseView(BaseModel):
    kind: PhaseKind
    state: CompetitionState | PhaseState = Field(
        description="the competition's state for the public phase, the phase's own for others"
    )
    exposure: Exposure
    published_at: datetime | None


class PhaseList(BaseModel):
    items: list[PhaseView]


class Finalist(BaseModel):
    submission_id: str
    team: str
    filename: str
    is_selected: bool = Field(description="selected by its team; otherwise one of the team's best")
    status: Status | None = Field(description="of its private evaluation; null before there is one")
    verdict: Verdict | None
    finished: int
    total: int


class Publication(Decision):
    digest: Digest | None = Field(
        None, description="`board.digest` of the preview that was looked at; refused if the ranking has changed"
    )


class ProposalRequest(Decision):
    digest: Digest = Field(description="`board.digest` of the preview that was looked at")


class ProposalView(BaseModel):
    by: str
    at: datetime
    digest: str
    is_current: bool = Field(description="false once the ranking changed: it has to be proposed again")


class PrivateView(BaseModel):
    """The private phase as staff see it."""

    state: PhaseState
    fault: str
    spec_digest: str
    started_at: datetime | None
    published_at: datetime | None
    finalists: list[Finalist]
    unfinished: int
    failed: int = Field(description="evaluations that the platform failed; starting again repeats them")
    rejudges: int = Field(description="of the finalists, whether promoted, discarded or not decided yet")
    board: Leaderboard = Field(description="a preview until it is published")
    publish_approvals: int = Field(description="2: one of the staff proposes and another one publishes")
    proposal: ProposalView | None = Field(description="null unless somebody proposed to publish")


class FinalResult(BaseModel):
    """What came of a finalist in the private phase: docs/lifecycle.md."""

    published_at: datetime | None
    verdict: Verdict
    score: Interval | None
    relative_runtime: float | None
    rank: int | None = Field(description="null if another finalist stands for the team, or it has no place")
    rank_label: str = Field(description="`3`, or `2–4` for a tie group; empty without a rank")
    ranked: int = Field(description="how many are ranked on the final board")
