"""Data sets as admins see them."""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from core.domain.data_sets import NAME, DataFormat, DataSetStatus

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
    test: int = Field(description="0: no fixed test part; what is left of a split is tested on")
    shape: list[int] = Field(description="channels, height, width")
    dtype: str
    bytes: int
    classes: list[ClassCount]
    samples: list[SampleView]


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


class DataSetView(BaseModel):
    name: str
    versions: list[DataSetVersionView]


class DataSetList(BaseModel):
    items: list[DataSetView]
