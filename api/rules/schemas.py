"""The rules of a competition, and accepting them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

RULES_LENGTH = 100_000


class RulesView(BaseModel):
    version: int | None = Field(description="null while the competition has no rules")
    text: str = Field(description="Markdown")
    created_at: datetime | None
    must_accept: bool = Field(description="whether the caller has to accept this version before submitting")
    accepted_at: datetime | None = Field(description="when the caller accepted this version")


class RulesAcceptanceRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, le=1 << 30, description="the version that was read; it must still be the newest")


class NewRules(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=RULES_LENGTH, description="Markdown; empty takes the rules back")
