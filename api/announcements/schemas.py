"""What organizers announce."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.decisions import Decision

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]


class NewAnnouncement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Title
    text: Text = Field(description="Markdown")


class AnnouncementChange(Decision):
    """What is not named stays as it is."""

    title: Title | None = None
    text: Text | None = Field(None, description="Markdown")


class AnnouncementView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    title: str
    text: str = Field(description="Markdown")
    author: str
    created_at: datetime
    edited_at: datetime | None = Field(description="null if it was never edited")


class AnnouncementList(BaseModel):
    items: list[AnnouncementView] = Field(description="newest first")
