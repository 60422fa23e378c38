"""Who speaks as a node: whoever has its key, and nobody by a role."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.deps import EngineDep, Permission
from api.security import hash_token
from core.db.queries import fleet
from core.db.session import reading
from core.domain.access import Action
from core.domain.errors import NotAuthenticated
from core.domain.leaderboard import Purpose

_bearer = HTTPBearer(auto_error=False, scheme_name="NodeKey", description="the key that an admin made for a node")
UNKNOWN = "this node's key is unknown or revoked: an admin gives a new one with `lacuna admin node rotate NAME`"


@dataclass(frozen=True, slots=True)
class Machine:
    name: str
    purposes: tuple[Purpose, ...]


class NodePermission(Permission):
    """Admits whoever sends the key of a node that was not revoked; what people are given opens nothing here."""

    def __call__(  # type: ignore[override]
        self,
        request: Request,
        engine: EngineDep,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Machine:
        if credentials is None:
            raise NotAuthenticated("this is for nodes: send a node's key as `Authorization: Bearer …`")
        with reading(engine) as session:
            key = fleet.fetch_live_key(session, hash_token(credentials.credentials))
            if key is None:
                raise NotAuthenticated(UNKNOWN)
            return Machine(key.name, key.purposes)


def admit_nodes() -> Any:
    return Depends(NodePermission(Action.WORK_AS_NODE))


NodeCaller = Annotated[Machine, admit_nodes()]
