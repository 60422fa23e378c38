"""Accounts as admins see them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.decisions import Decision
from api.paging import NEXT_BEFORE
from core.domain.access import Role
from core.domain.accounts import MOST_CHARACTERS, ImportOutcome


class AccountView(BaseModel):
    id: str
    name: str
    role: Role
    created_at: datetime
    suspended_at: datetime | None
    suspended_reason: str
    address: str | None
    address_confirmed_at: datetime | None
    has_password: bool


class AccountList(BaseModel):
    items: list[AccountView] = Field(description="newest first")
    next_before: Annotated[str | None, NEXT_BEFORE]


class RoleChange(Decision):
    role: Role


class ResetLink(BaseModel):
    """One of the two."""

    sent_to: str | None = Field(description="the address that the link was mailed to")
    link: str | None = Field(description="shown this once; whoever has it sets the password, within an hour")


class AccountImport(Decision):
    model_config = ConfigDict(extra="forbid")

    csv: str = Field(max_length=MOST_CHARACTERS, description="lines of name, email and role under their heads")
    dry_run: bool = Field(default=True, description="say what would become of each line, and make nothing")


class ImportedAccount(BaseModel):
    line: int
    name: str
    role: Role
    outcome: ImportOutcome
    detail: str
    link: str | None = Field(description="where no mail could be sent: shown this once, for seven days")


class AccountImportResult(BaseModel):
    dry_run: bool
    items: list[ImportedAccount]


class HistoryLine(BaseModel):
    """A place on a board, as whoever asks sees the board."""

    competition: str
    title: str
    team: str
    is_final: bool = Field(description="on the final board")
    rank: int
    rank_label: str
    ranked: int = Field(description="how many are ranked")
    score: float | None
    submission_id: str


class ProfileView(BaseModel):
    name: str
    role: Role
    created_at: datetime
    history: list[HistoryLine] = Field(description="newest competition first; only what boards show")


class TeamProfile(BaseModel):
    name: str
    members: list[str]
    place: HistoryLine
