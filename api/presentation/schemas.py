"""How a competition presents itself: its overview, its cover, and the images of its texts."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.competition_file import OVERVIEW_CHARS
from core.domain.images import MOST_ALT

Alt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_ALT)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ImageView(BaseModel):
    digest: str = Field(description="SHA-256 of what is kept: WebP, drawn again from the pixels of what was uploaded")
    address: str
    alt: str = Field(description="what it shows, in words")
    markdown: str = Field(description="what to write in a text of the competition to show it there")
    width: int
    height: int
    size_bytes: int
    is_cover: bool
    created_at: datetime


class PresentationView(BaseModel):
    overview: str = Field(description="Markdown")
    images: list[ImageView] = Field(description="newest first")


class NewOverview(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=OVERVIEW_CHARS, description="Markdown; empty: none")


class NewCover(BaseModel):
    model_config = ConfigDict(extra="forbid")

    digest: Digest | None = Field(description="of one of the competition's images; null: none")
