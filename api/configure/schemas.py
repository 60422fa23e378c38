"""What applying a competition file would do, or did."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from api.competitions.schemas import HeadroomView, Preparation
from api.pieces import PieceView
from core.domain.competition import CompetitionState
from core.domain.exposure import Exposure
from core.domain.pools import PoolKind, PoolState


class CalibrationView(BaseModel):
    """What one file costs in the sandbox on one class of nodes."""

    node_class: str
    filename: str
    wall_seconds: float = Field(description="median of a replica")
    cpu_seconds: float = Field(description="median of a replica")
    doubt: str = Field(
        description="why the last of its tries is still in doubt, so that gates decide less; empty if it is not"
    )


class PoolRole(StrEnum):
    PUBLIC = "public"  # what submissions are scored against
    PRIVATE = "private"  # of the private phase
    PRACTICE = "practice"  # of the practice phase; other competitions may share them
    FORMER = "former"  # of a problem that the competition is not on any more


class PoolDetail(BaseModel):
    role: PoolRole
    kind: PoolKind
    request: int = Field(description="which forget request it is of, counted from 1")
    state: PoolState
    finished: int = Field(description="trained models")
    total: int
    seconds_left: float | None = Field(description="estimated time until it is whole, at the speed so far")
    problem_digest: str
    created_at: datetime
    sealed_at: datetime | None
    seal: str | None = Field(description="SHA-256 over the digests of all its members")
    fault: str = Field(description="why a chunk of it could not be trained the last time")
    waiting: list[PieceView] = Field(description="its chunks that do not move, longest first")


class PoolList(BaseModel):
    slug: str
    state: CompetitionState
    prepared_at: datetime | None = Field(description="when its pools were sealed and retraining was measured")
    items: list[PoolDetail]


class PoolCheck(BaseModel):
    pool: PoolDetail
    faults: list[str] = Field(description="empty: everything equals its seal, or the pool has no seal")


class PoolChecks(BaseModel):
    intact: bool
    items: list[PoolCheck]


class PreviewSample(BaseModel):
    id: int = Field(description="place in the data set")
    class_name: str = Field(alias="class", description="its label in training, noise included")
    clean_class: str
    text: str = Field("", description="of an example that is read; a picture has an address of its own")


class PreviewPool(BaseModel):
    kind: PoolKind
    models: int
    seconds: float = Field(description="of one worker, to train them all; an estimate from a few steps")


class LearningView(BaseModel):
    """How well original and retrained models do, as mean accuracies; R² where a number is learnt."""

    original_retain: float
    original_test: float
    retrained_retain: float
    retrained_test: float
    guessing: float = Field(description="what the most frequent class alone reaches on the test set")
    models: int = Field(description="retrained models that were looked at")
    doubts: list[str] = Field(description="why nobody should be ranked against such models; empty if all is well")


class Preview(BaseModel):
    """What a worker found in one problem."""

    role: PoolRole
    problem_digest: str
    made_at: datetime | None = Field(None, description="null: not asked for, or no worker has looked yet")
    fault: str = Field("", description="why there is none: the problem cannot be prepared, or the platform failed")
    classes: list[str] = []
    counts: dict[str, list[int]] = Field(
        {}, description="examples of every class, by split; one count where there are no classes"
    )
    forget: dict[str, Any] | None = Field(None, description="kind, count and digest of the forget set")
    samples: list[PreviewSample] = Field([], description="the first of the forget set")
    pools: list[PreviewPool] = []
    headroom: HeadroomView | None = None
    learning: LearningView | None = Field(None, description="null where nothing is trained and a model takes long")


class PreviewList(BaseModel):
    slug: str
    workers: int = Field(description="that take work now")
    items: list[Preview]


class ConfiguredCompetition(BaseModel):
    slug: str
    title: str
    state: CompetitionState
    exposure: Exposure
    fault: str
    data_set: str | None = Field(description="`name@digest` of the uploaded data set")
    forget_request: dict[str, Any] | None
    spec_digest: str
    opens_by_hand: bool
    prepared_at: datetime | None
    preparation: Preparation
    calibrations: list[CalibrationView]
    learning: LearningView | None = Field(description="null until its pools are trained")


class ConfiguredList(BaseModel):
    items: list[ConfiguredCompetition]


class Effect(StrEnum):
    CREATE = "create"
    UPDATE = "update"  # title, limits, rules: scores stay comparable
    REPLACE = "replace"  # another evaluation spec; nothing was scored under the one before
    NOTHING = "nothing"


class Change(BaseModel):
    field: str = Field(description="path in the file, such as `split.seed`")
    before: Any = None
    after: Any = None


class Plan(BaseModel):
    slug: str
    effect: Effect
    applied: bool
    changes: list[Change]
    consequence: str = Field(description="what follows, in words")
    refused: str | None = Field(description="why it cannot be applied; only a dry run answers with one")
    state: CompetitionState | None = Field(description="of the competition now; null if there is none")
    data_set: str | None = Field(description="the uploaded data set by its full digest")
