"""A decision of staff and the reason they give for it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class Decision(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(description="shown to the author and kept in the audit log")
