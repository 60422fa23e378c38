"""Data sets as admins see them."""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.pieces import PieceView
from core.domain.competition import CompetitionState
from core.domain.data_sets import NAME, DataFormat, DataSetStatus
from core.domain.leaderboard import Purpose
from core.domain.pools import PoolKind, PoolState
from core.domain.submission import Status

DataSetName = Annotated[str, Path(pattern=f"^{NAME.pattern}$", description="lower-case letters, digits and `-`")]
VersionNumber = Annotated[int, Path(ge=1, lt=1_000_000)]


class ClassCount(BaseModel):
    name: str
    train: int
    test: int


class SampleView(BaseModel):
    id: int = Field(description="place in the data set, as forget requests name it")
    class_name: str = Field(alias="class")


class VersionSummary(BaseModel):
    train: int
    test: int = Field(description="0: no fixed test part; the rest of a split is the test set")
    shape: list[int] = Field(description="channels, height, width")
    dtype: str
    bytes: int
    classes: list[ClassCount]
    samples: list[SampleView]
    left_out: list[str] = Field(default=[], description="files of the upload that other programs had left there")


class DataSetVersionView(BaseModel):
    name: str
    number: int
    reference: str = Field(description="how a problem names it: `name@digest`, or `name@number` until it is ready")
    status: DataSetStatus
    reason: str = Field(description="why it was refused, or revoked")
    format: DataFormat
    note: str
    named: str = Field(description="which of the server's own sets, for the format `named`")
    source_digest: str | None = Field(description="SHA-256 of the upload")
    digest: str | None = Field(description="SHA-256 of the tensors as they are kept: the version's identity")
    created_by: str
    created_at: datetime
    summary: VersionSummary | None
    waiting: PieceView | None = Field(description="why nobody reads it; null unless it has waited for a minute")


class PoolOfData(BaseModel):
    kind: PoolKind
    state: PoolState
    size: int


class CompetitionOfData(BaseModel):
    slug: str
    state: CompetitionState


class SpecOfData(BaseModel):
    digest: str
    evaluations: int
    scored: int
    competitions: list[CompetitionOfData]


class ProblemOfData(BaseModel):
    slug: str
    digest: str
    pools: list[PoolOfData]
    specs: list[SpecOfData]


class Lineage(BaseModel):
    """What descends from a data set version: from the data to the scores."""

    reference: str
    problems: list[ProblemOfData]


class RunningOfData(BaseModel):
    """An evaluation that has not ended."""

    evaluation_id: str
    competition: str
    by: str = Field(description="the team, or who submitted it")
    filename: str
    purpose: Purpose
    status: Status


class Revocation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class RevocationView(BaseModel):
    applied: bool
    version: DataSetVersionView
    lineage: Lineage
    running: list[RunningOfData] = Field(description="evaluations that had not ended on it")
    stopped: int = Field(description="how many of them were cancelled, and cost nobody anything")
    consequence: str


class DataSetView(BaseModel):
    name: str
    versions: list[DataSetVersionView]


class DataSetList(BaseModel):
    items: list[DataSetView]
