"""Requests and answers about teams."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TeamName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,37}[A-Za-z0-9_.-]$")]


class NewName(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: TeamName = Field(description="2 to 39 letters, digits, spaces, `_`, `.` or `-`; shown on the board")


class NewInvite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: str = Field(max_length=64, description="name of the account")


class MemberView(BaseModel):
    name: str
    is_leader: bool
    joined_at: datetime


class InviteView(BaseModel):
    id: str
    team: str
    user: str
    created_at: datetime


class TeamView(BaseModel):
    id: str
    competition: str
    name: str
    members: list[MemberView]
    invites: list[InviteView] = Field(description="waiting for an answer; for its members")
    submissions: int


class OwnTeam(BaseModel):
    team: TeamView | None = Field(description="null until one submits, makes a team or joins one")
    invites: list[InviteView] = Field(description="to the caller")
