"""What people say about a competition."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.validation import say
from core.domain.discussion import MOST_TEXT, MOST_TITLE

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=MOST_TITLE),
    say(f"a title has 3 to {MOST_TITLE} characters"),
]
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_TEXT),
    say(f"say something, in at most {MOST_TEXT} characters"),
]


class NewPost(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Words = Field(description="Markdown")


class NewThread(NewPost):
    title: Title


class PostView(BaseModel):
    id: str
    author: str
    by_staff: bool = Field(description="an organizer or admin wrote it")
    text: str = Field(description="Markdown; empty where it is hidden from who asks")
    created_at: datetime
    edited_at: datetime | None = Field(description="null if it was never edited")
    is_hidden: bool
    hidden_reason: str = Field(description="why, for its author and staff")
    is_own: bool


class ThreadView(BaseModel):
    id: str
    title: str
    author: str
    by_staff: bool = Field(description="an organizer or admin began it")
    created_at: datetime
    last_post_at: datetime
    posts: int = Field(description="those that everybody sees")
    is_pinned: bool
    is_closed: bool = Field(description="takes no replies")
    is_hidden: bool = Field(description="only its author and staff see it")
    hidden_reason: str


class ThreadList(BaseModel):
    items: list[ThreadView] = Field(description="pinned ones, then those with the newest words first")
    next_cursor: str | None


class ThreadPage(BaseModel):
    thread: ThreadView
    items: list[PostView] = Field(description="oldest first")
    next_after: str | None = Field(description="send it as `after` for newer ones; null when there are none")
