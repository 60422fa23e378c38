"""What is told about a competition."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from core.domain.competition import CompetitionState, PreparationStage
from core.domain.exposure import Exposure
from core.domain.headroom import Trainer
from core.domain.phases import PhaseKind, PhaseState
from core.domain.pools import PoolKind, PoolState


class PoolView(BaseModel):
    """A pool of trained models, counted in models."""

    kind: PoolKind
    state: PoolState
    finished: int
    total: int


class Preparation(BaseModel):
    """How far a competition is from being open, counted in trained models."""

    stage: PreparationStage = Field(description="prepared: it opens by hand")
    finished: int
    total: int
    seconds_left: float | None = Field(
        None, description="estimated time until the pools are trained, at the speed so far"
    )
    pools: list[PoolView]


class CoverView(BaseModel):
    """The image that stands for a competition."""

    address: str
    alt: str = Field(description="what it shows, in words")


class CompetitionSummary(BaseModel):
    slug: str
    title: str
    summary: str
    cover: CoverView | None
    state: CompetitionState
    closes_at: datetime | None = Field(description="the deadline: submissions after it are refused")
    exposure: Exposure
    protocol: str
    compute_budget: float = Field(description="largest allowed relative runtime")
    replicas: int
    created_at: datetime


class ClassSizes(BaseModel):
    """Of how many examples of a class every split consists."""

    name: str = Field(description="empty where there are no classes: then of all examples together")
    retain: int
    forget: int
    validation: int
    test: int


class BudgetSeconds(BaseModel):
    """What the compute budget comes to where retraining was measured."""

    node_class: str
    seconds: float = Field(description="of one replica, about: the budget is a share of retraining, not a time")
    retrain_seconds: float


class PracticeView(BaseModel):
    """The practice phase: an open problem, a quota of its own, everything shown, nothing ranked."""

    state: PhaseState = Field(description="preparing, or ready: it takes submissions while the competition is open")
    fault: str = Field(description="why preparing it cannot go on; for staff")
    daily_limit: int = Field(description="practice submissions of a team a UTC day; 0: closed by the organizers")
    concurrent_limit: int
    problem: dict[str, Any] = Field(description="the problem file, seeds and all")
    description: dict[str, str] | None = Field(description="what a submission gets there, in words by title")


class RevealedPhase(BaseModel):
    """The digests themselves, of which the card, boards and scorecards showed HMACs."""

    phase: PhaseKind
    spec_digest: str
    problem_digest: str
    forget_digest: str | None


class Revealed(BaseModel):
    """What it takes to check the digests that were shown of hidden phases: docs/lifecycle.md."""

    key: str = Field(description="64 hexadecimal digits; a shown digest is the HMAC-SHA-256 of the digest under it")
    phases: list[RevealedPhase]


class HeadroomView(BaseModel):
    """How far the loop that retraining is measured by stands behind the fastest way to train one model."""

    plain_ms: float = Field(description="milliseconds of a training step of the plain loop")
    fastest_ms: float = Field(description="the same step by the fastest known trainer of one model")
    trainer: Trainer = Field(description="the fastest")
    ratio: float
    fit_for_prizes: bool = Field(description="false above a ratio of 2: the budget would measure programming, not work")


class CompetitionView(CompetitionSummary):
    overview: str = Field(description="Markdown")
    rules_version: int | None = Field(description="to accept before submitting; null without rules")
    fault: str = Field(description="why preparing cannot go on; empty when it can")
    metric_version: str
    spec_digest: str = Field(description="of a hidden phase as HMAC, until and after `revealed`; so with all digests")
    problem_digest: str
    revealed: Revealed | None = Field(description="null until the final board is published, or all is archived")
    daily_limit: int
    concurrent_limit: int
    total_limit: int | None
    selection_limit: int = Field(description="submissions of a team in the final ranking")
    publish_approvals: int = Field(description="how many of the staff it takes to publish the final board")
    private_phase: PhaseState | None = Field(description="null if the public phase is all there is")
    practice: PracticeView | None = Field(description="null if there is no practice phase")
    upload_bytes: int
    preparation: Preparation
    forget_request: dict[str, Any] | None = Field(description="kind, count and digest of the forget set")
    problem: dict[str, Any] = Field(description="the problem file; seeds are left out unless it is for practice")
    evaluation: dict[str, Any]
    description: dict[str, str] | None = Field(
        description="what a submission gets, in words by title: batches, x, y, network, layers, recipe; null until a"
        " worker has loaded the problem, and without names and figures of hidden data"
    )
    class_counts: list[ClassSizes] | None = Field(
        description="null until a worker has loaded the problem, and where its data is hidden from the reader"
    )
    budget_seconds: list[BudgetSeconds] = Field(description="one for each class of node")
    headroom: HeadroomView | None = Field(description="null until its pools are trained")


class CompetitionList(BaseModel):
    items: list[CompetitionSummary]


class PracticeLimits(BaseModel):
    """What is left of practice; it is counted by itself."""

    daily_limit: int
    used: int
    left: int
    concurrent_limit: int
    running: int


class LimitsView(BaseModel):
    daily_limit: int
    used: int = Field(description="submissions since 00:00 UTC, without those that failed by the platform's own fault")
    left: int = Field(description="how many may still be submitted today, all limits considered")
    resets_at: datetime
    total_limit: int | None = Field(description="of the whole competition; null: as many as the days hold")
    total_used: int
    total_left: int | None
    granted: int = Field(description="given by organizers on top of the limits, in all")
    granted_today: int = Field(description="of it today, which also stretches this day")
    concurrent_limit: int
    running: int
    practice: PracticeLimits | None = Field(description="null if there is no practice phase")
    upload_bytes: int
