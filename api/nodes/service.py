"""The keys of nodes: made, exchanged and revoked by admins, on the record."""

from sqlalchemy.orm import Session

from api.deps import Caller
from api.nodes.schemas import FreshNodeKey, NewNode, NodeKeyList, NodeKeyView
from api.security import hash_token, make_token
from core.db.base import utc_now
from core.db.models.operations import NodeKey
from core.db.queries import audit, fleet
from core.domain.errors import Conflict, NotFound
from core.domain.fleet import TOKEN_PREFIX


def list_keys(session: Session) -> NodeKeyList:
    return NodeKeyList(items=[NodeKeyView.model_validate(row) for row in fleet.fetch_keys(session)])


def add_key(session: Session, new: NewNode, caller: Caller) -> FreshNodeKey:
    """A name that was revoked may be given again."""
    row = fleet.lock_key(session, new.name)
    if row is not None and row.revoked_at is None:
        raise Conflict(f"the node {new.name!r} has a key: rotate or revoke it")
    row, token = row or NodeKey(name=new.name), make_token(TOKEN_PREFIX)
    row.token_sha256, row.purposes = hash_token(token), tuple(new.purposes)
    row.created_at, row.rotated_at, row.revoked_at = utc_now(), None, None
    fleet.store_key(session, row)
    _record(session, caller, "node.add", row, new.reason)
    return _show_once(row, token)


def rotate_key(session: Session, name: str, reason: str, caller: Caller) -> FreshNodeKey:
    """The old one opens nothing any more, and what was held with it goes to others."""
    row, token = _lock_live(session, name), make_token(TOKEN_PREFIX)
    row.token_sha256, row.rotated_at = hash_token(token), utc_now()
    fleet.end_leases(session, name, utc_now())
    _record(session, caller, "node.rotate", row, reason)
    return _show_once(row, token)


def revoke_key(session: Session, name: str, reason: str, caller: Caller) -> NodeKeyView:
    row = _lock_live(session, name)
    row.revoked_at = utc_now()
    lost = fleet.end_leases(session, name, utc_now())
    _record(session, caller, "node.revoke", row, reason, shards=lost)
    return NodeKeyView.model_validate(row)


def _lock_live(session: Session, name: str) -> NodeKey:
    row = fleet.lock_key(session, name)
    if row is None:
        raise NotFound(f"no key was ever made for a node named {name!r}")
    if row.revoked_at is not None:
        raise Conflict(f"the key of the node {name!r} is revoked already: add it again")
    return row


def _show_once(row: NodeKey, token: str) -> FreshNodeKey:
    return FreshNodeKey(**NodeKeyView.model_validate(row).model_dump(), token=token)


def _record(session: Session, caller: Caller, action: str, row: NodeKey, reason: str, **more: object) -> None:
    detail = {"reason": reason, **more, "for": " ".join(row.purposes)}
    audit.record(session, actor=caller.name, action=action, subject=f"node/{row.name}", detail=detail)
