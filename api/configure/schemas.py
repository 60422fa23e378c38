"""What applying a competition file would do, or did."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from api.competitions.schemas import Preparation
from core.domain.competition import CompetitionState


class CalibrationView(BaseModel):
    """What one file costs in the sandbox on one class of nodes."""

    node_class: str
    filename: str
    wall_seconds: float = Field(description="median of a replica")
    cpu_seconds: float = Field(description="median of a replica")


class ConfiguredCompetition(BaseModel):
    slug: str
    title: str
    state: CompetitionState
    exposure: str
    fault: str
    data_set: str | None = Field(description="`name@digest` of the uploaded data set")
    forget_request: dict[str, Any] | None
    spec_digest: str
    preparation: Preparation
    calibrations: list[CalibrationView]


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
    state: str | None = Field(description="of the competition now; null if there is none")
    data_set: str | None = Field(description="the uploaded data set by its full digest")
