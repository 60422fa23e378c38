"""The board as JSON."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.paging import NEXT_BEFORE
from core.domain.history import Cause
from core.domain.leaderboard import Place, Purpose
from core.domain.phases import PhaseKind
from core.domain.submission import Verdict
from core.scorecard import Ceiling


class Interval(BaseModel):
    estimate: float
    low: float | None
    high: float | None


class LeaderboardEntry(BaseModel):
    place: Place
    rank: int | None = Field(description="null for references, what is held, and entries over the budget")
    rank_label: str = Field(description="`3`, or `2–4` for a tie group, or `–` without a rank")
    tie_group: int | None = Field(
        description="number of the tie group: its first entry is not clearly ahead of its others; 95 % of the boards "
        "of equal entries have one group"
    )
    tied_first: int | None = Field(description="best rank of the tie group")
    tied_last: int | None = Field(description="worst rank of the tie group")
    truly_better_than_next: float | None = Field(
        description="probability that its mean score over fresh models is above that of the next ranked entry; null "
        "for the last one, and if the two were scored on different numbers of replicas"
    )
    would_win_again: float | None = Field(
        description="probability of standing above the next ranked entry if both ran once more; null where "
        "`truly_better_than_next` is"
    )
    name: str
    filename: str
    note: str
    purpose: Purpose
    verdict: Verdict
    submission_id: str
    submitted_at: datetime
    score: float | None
    score_low: float | None
    score_high: float | None
    score_error: float | None = Field(description="standard error of the score over fresh models of both pools")
    score_corrected: float | None = Field(description="score without the bias of a finite number of replicas")
    decided_early: bool = Field(description="stopped because its place was clear; ranked below all full scores")
    scored_replicas: int = Field(description="replicas behind the score")
    replicas_total: int
    neurips2023: float | None = Field(description="score of the same runs under the 2023 rule")
    exact: float | None
    forgetting_quality: float | None = Field(description="F forget: mean points of the forget examples, 0 to 1")
    test_quality: float | None = Field(description="F test: the same of test examples; null before form 4")
    retain_quality: float | None = Field(description="F retain: the same of retain examples; null before form 4")
    balance: float | None = Field(description="1: one model does not tell forget from test examples")
    noise_shared: float | None = Field(
        description="share of the score's variance that comes from originals and requests, the rest from replicas; "
        "null with one of each, and before the end where the problem is hidden"
    )
    utility: float | None
    unlearning_accuracy: float | None = Field(description="100 − forget accuracy, percent")
    retain_accuracy: float | None = Field(description="percent")
    test_accuracy: float | None = Field(description="percent")
    relative_runtime: float | None = Field(description="unlearning time ÷ retraining time")
    relative_runtime_low: float | None = Field(description="lower end of its interval; null without a scorecard")
    relative_runtime_high: float | None = Field(description="upper end of its interval")
    runtime_clock: str | None = Field(description="whose processor time was read: `cgroup` or `process`")
    over_budget: bool


class Leaderboard(BaseModel):
    competition: str
    title: str
    phase: PhaseKind = Field(description="`private`: the final board, of the private phase")
    is_practice: bool = Field(
        description="everything about its problem is open, so answers can be prepared elsewhere: it never ranks for "
        "prizes"
    )
    protocol: str
    metric_version: str
    spec_digest: str
    compute_budget: float
    replicas: int
    originals: int = Field(description="original models that the runs of an entry started from")
    requests: int = Field(description="forget requests that every entry answered")
    scope: str = Field(description="what intervals, groups and probabilities are about, and what they cannot tell")
    version: int = Field(description="number of the last change; the board at a version never changes")
    changed_at: datetime | None = Field(description="time of the last change; null while nothing was scored")
    digest: str = Field(description="SHA-256 over this change and all before it")
    frozen: bool = Field(description="the competition is frozen: participants see no change after it")
    ceiling: Ceiling | None = Field(description="null until something was scored")
    entries: list[LeaderboardEntry]
    ranked: int = Field(description="ranked entries in all")
    total: int = Field(description="lines of the whole board, references and those over the budget included")
    next_cursor: str | None = Field(description="for the next lines of this same version; null at the end")


class OwnPlace(BaseModel):
    """Where the caller's team stands."""

    competition: str
    version: int
    frozen: bool
    team: str | None = Field(description="null for who has no team here")
    entry: LeaderboardEntry | None = Field(description="the team's ranked line; null until it has one")
    over_budget: LeaderboardEntry | None = Field(description="the team's line below the board, without a rank")
    position: int | None = Field(description="lines above its ranked line, references included: its place in the list")
    ranked: int


class BoardKind(StrEnum):
    PUBLIC = "public"
    FINAL = "final"
    EARLIER = "earlier"  # under a spec that the competition had before


class BoardCheck(BaseModel):
    """A board whose digests were all computed again."""

    kind: BoardKind
    spec_digest: str
    version: int
    digest: str = Field(description="of the last change; publish it to make the board provable")
    changed_at: datetime
    intact: bool
    broken_at: int | None = Field(description="version of the first change that does not hold")
    reason: str = Field(description="the fault; empty if everything holds")


class BoardChecks(BaseModel):
    competition: str
    intact: bool
    items: list[BoardCheck]


class BoardChange(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    version: int
    at: datetime = Field(description="as `as_of` it shows the board that this change made")
    cause: Cause
    name: str = Field(description="whose line changed; empty if many did at once")
    submission_id: str | None
    rank_before: int | None = Field(description="null if there was no ranked line before")
    rank_after: int | None = Field(description="null if there is none any more")
    lines: int = Field(description="how many lines came or went")
    digest: str = Field(description="SHA-256 over this change and all before it")


class BoardChanges(BaseModel):
    items: list[BoardChange]
    next_before: Annotated[int | None, NEXT_BEFORE]
