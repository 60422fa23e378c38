"""Accounts, over HTTP, for admins."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.decisions import Decision
from api.deps import PublicCaller, ReadingDep, SessionDep, SettingsDep, UserAdmin
from api.directory import profiles, service
from api.directory.schemas import (
    AccountImport,
    AccountImportResult,
    AccountList,
    AccountView,
    ProfileView,
    ResetLink,
    RoleChange,
    TeamProfile,
)
from api.errors import describe_errors
from core.domain.access import Role
from core.domain.accounts import AccountDeed, AccountState

router = APIRouter(prefix="/admin/users", tags=["admin"])
public = APIRouter(tags=["users"])
ROUTERS = (router, public)
REFUSALS = describe_errors(401, 403, 404, 409, 422)


@public.get("/users/{name}", operation_id="get_profile", responses=describe_errors(404, 422))
def get_profile(name: str, caller: PublicCaller, session: ReadingDep) -> ProfileView:
    """An account's places over competitions: only what boards show."""
    return profiles.load_profile(session, name, caller)


@public.get("/competitions/{slug}/teams/{name}", operation_id="get_team_profile", responses=describe_errors(404, 422))
def get_team_profile(slug: str, name: str, caller: PublicCaller, session: ReadingDep) -> TeamProfile:
    """A team that stands on the board: its members and its place."""
    return profiles.load_team(session, slug, name, caller)


@router.get("", operation_id="list_users", responses=describe_errors(401, 403, 422))
def list_users(
    caller: UserAdmin,
    session: ReadingDep,
    q: Annotated[str, Query(max_length=100, description="a part of the name or the address")] = "",
    role: Role | None = None,
    state: AccountState | None = None,
    before: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AccountList:
    return service.list_accounts(session, text=q, role=role, state=state, before=before, limit=limit)


@router.post("/import", operation_id="import_users", responses=describe_errors(401, 403, 422))
def import_users(
    caller: UserAdmin, session: SessionDep, settings: SettingsDep, request: AccountImport, response: Response
) -> AccountImportResult:
    """Make the accounts of a CSV file, or say what it would make; what exists stays as it is."""
    response.headers["Cache-Control"] = "no-store"
    return service.import_accounts(session, settings, request, caller)


@router.post("/{name}/role", operation_id="change_role", responses=REFUSALS)
def change_role(name: str, caller: UserAdmin, session: SessionDep, change: RoleChange) -> AccountView:
    return service.change_role(session, name, change, caller)


@router.post("/{name}/reset", operation_id="hand_out_link", responses=REFUSALS)
def hand_out_link(
    name: str, caller: UserAdmin, session: SessionDep, settings: SettingsDep, decision: Decision, response: Response
) -> ResetLink:
    """A link that sets a new password: mailed, or shown this once."""
    response.headers["Cache-Control"] = "no-store"
    return service.hand_out_link(session, settings, name, decision.reason, caller)


@router.post("/{name}/{deed}", operation_id="act_on_user", responses=REFUSALS)
def act_on_user(
    name: str, deed: AccountDeed, caller: UserAdmin, session: SessionDep, decision: Decision
) -> AccountView:
    """Suspend an account (every log-in and token ends), reinstate it, end its log-ins, or drop its second factor."""
    return service.act(session, name, deed, decision.reason, caller)
