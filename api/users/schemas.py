"""Requests and answers about accounts, tokens and logging in."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.validation import say
from core.domain.access import Role, Scope

NAME_RULE = "a name has 2 to 39 letters, digits, `_`, `.` or `-`, and begins with a letter or digit"
PASSWORD_RULE = "a password has at least 8 characters, and at most 256"  # noqa: S105
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{1,38}$"), say(NAME_RULE)]
Password = Annotated[str, StringConstraints(min_length=8, max_length=256), say(PASSWORD_RULE)]
Label = Annotated[str, StringConstraints(max_length=80)]


class NewName(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: UserName = Field(description="2 to 39 letters, digits, `_`, `.` or `-`; names differing only in case clash")


class Registration(NewName):
    password: Password
    email: str | None = Field(default=None, max_length=254, description="optional; it is asked to confirm itself")


class ResetRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=254, description="an account's name, or its mail address")


class ResetAnswer(BaseModel):
    detail: str = Field(description="the same whether or not there is such an account")


class NewPassword(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=100, description="of the link")
    password: Password


class PasswordChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    old: str = Field(max_length=256)
    new: Password


class LogOutEverywhere(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tokens: bool = Field(default=False, description="revoke every token too, this one included")


class TokenRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: Label = ""
    scopes: list[Scope] = Field(default=list(Scope), min_length=1, description="what the token may be used for")
    days: int | None = Field(default=None, ge=1, description="life of the token; the server's longest if not given")


class Credentials(TokenRequest):
    name: str = Field(max_length=64)
    password: str = Field(max_length=256)
    code: str = Field(default="", max_length=40, description="of the second factor, where the account has one")


class Code(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=40, description="of the app, or a recovery code")


class FactorView(BaseModel):
    confirmed_at: datetime | None = Field(description="since when it is asked for at every log-in")
    recovery_codes: int = Field(description="how many are left")
    is_required: bool = Field(description="without it this account of staff may do no more than a participant")


class FactorOffer(BaseModel):
    secret: str = Field(description="for an app that computes codes from it (RFC 6238)")


class RecoveryCodes(BaseModel):
    codes: list[str] = Field(description="shown this once; each works once in place of a code")


class UserView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    role: Role


class TokenView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    label: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class NewToken(BaseModel):
    id: str
    token: str = Field(description="shown this once; send it as `Authorization: Bearer …`")
    label: str
    scopes: list[Scope]
    expires_at: datetime


class TokenList(BaseModel):
    items: list[TokenView]


class PasswordLogin(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=64)
    password: str = Field(max_length=256)


class LoginView(BaseModel):
    user: UserView
    expires_at: datetime
    awaits_code: bool = Field(description="the cookie lets nobody in before `POST /auth/code`")
