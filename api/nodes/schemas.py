"""What admins are told of the keys of nodes, and what they say to make one."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.decisions import Decision
from api.validation import say
from core.domain.fleet import NAME_PATTERN, NAME_RULE
from core.domain.leaderboard import Purpose


class NewNode(Decision):
    name: Annotated[str, StringConstraints(pattern=NAME_PATTERN), say(NAME_RULE)]
    purposes: list[Purpose] = Field(
        default=list(Purpose), min_length=1, description="of submissions that it may run; all of them by default"
    )


class NodeKeyView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    purposes: list[Purpose]
    created_at: datetime
    rotated_at: datetime | None
    revoked_at: datetime | None = Field(description="since when nobody can work under this name")


class NodeKeyList(BaseModel):
    items: list[NodeKeyView]


class FreshNodeKey(NodeKeyView):
    token: str = Field(description="shown this once: `lacuna node join URL TOKEN`")
