"""The board as JSON."""

from datetime import datetime

from pydantic import BaseModel, Field

from core.domain.leaderboard import Place, Purpose
from core.domain.submission import Verdict


class Ceiling(BaseModel):
    """What retrained models score against retrained models: nothing can honestly score more."""

    estimate: float
    low: float
    high: float
    neurips2023: float | None = None
    exact: float | None = None


class LeaderboardEntry(BaseModel):
    place: Place
    rank: int | None = Field(description="null for references and entries over the budget")
    rank_label: str = Field(description="`3`, or `2–4` for a tie group, or `–` without a rank")
    tie_group: int | None = Field(description="entries of one group cannot be told apart by their intervals")
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
    neurips2023: float | None = Field(description="score of the same runs under the 2023 rule")
    exact: float | None
    forgetting_quality: float | None
    utility: float | None
    unlearning_accuracy: float | None = Field(description="100 − forget accuracy, percent")
    retain_accuracy: float | None = Field(description="percent")
    test_accuracy: float | None = Field(description="percent")
    relative_runtime: float | None = Field(description="unlearning time ÷ retraining time")
    over_budget: bool


class Leaderboard(BaseModel):
    competition: str
    title: str
    protocol: str
    metric_version: str
    spec_digest: str
    compute_budget: float
    replicas: int
    ceiling: Ceiling | None = Field(description="null until something was scored")
    entries: list[LeaderboardEntry]
