"""Requests and answers about logging in."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.users.schemas import UserView


class PasswordLogin(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=64)
    password: str = Field(max_length=256)


class LoginView(BaseModel):
    user: UserView
    expires_at: datetime
