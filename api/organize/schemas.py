"""Requests and answers of organizers."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, computed_field

from api.decisions import Decision
from api.paging import NEXT_BEFORE
from core.competition_file import carry_settings, make_type
from core.domain.audit_words import tell
from core.domain.competition import CompetitionState
from core.domain.competition_settings import Setting
from core.domain.next_step import Step


class StateChange(Decision):
    state: CompetitionState


class AuditView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    previous_sha256: str
    sha256: str

    @computed_field(description="the deed as a sentence: who, what, before and after, why")  # type: ignore[prop-decorator]
    @property
    def sentence(self) -> str:
        return tell(self.actor, self.action, self.subject, self.detail)


class AuditPage(BaseModel):
    items: list[AuditView]
    next_before: Annotated[int | None, NEXT_BEFORE]


class AuditCheck(BaseModel):
    intact: bool
    entries: int
    head: str = Field(description="digest of the last entry; publish it to make the log provable")
    broken_at: int | None = Field(description="place of the first entry that does not hold, from 0")


class Grant(Decision):
    team: str = Field(min_length=1, max_length=64, description="its name")
    amount: int = Field(ge=1, le=1000)


class GrantView(BaseModel):
    team: str
    amount: int
    reason: str
    granted: int = Field(description="to this team in all")


def _make_change_field(setting: Setting) -> tuple[Any, Any]:
    kind = make_type(setting)
    return (kind | None if setting.none else kind), Field(
        default_factory=lambda: None, description=setting.describe("null")
    )


@carry_settings(_make_change_field)
class SettingsChange(Decision):
    """What is not named stays as it is."""

    @property
    def named(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in sorted(self.model_fields_set - {"reason"})}


class NextStepView(BaseModel):
    step: Step | None = Field(description="null when nothing is left to do")
    done: list[Step] = Field(description="the steps before it")
    words: str
    missing: list[str] = Field(description="what is not there yet")
    path: str = Field(description="of the page on which it is done")


class SubmissionDeed(StrEnum):
    DISQUALIFY = "disqualify"
    REINSTATE = "reinstate"


class ManyDeeds(Decision):
    deed: SubmissionDeed
    submissions: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=200)


class OneDone(BaseModel):
    submission_id: str
    done: bool
    detail: str = Field(description="why it was refused")


class ManyDone(BaseModel):
    items: list[OneDone]
