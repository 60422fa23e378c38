"""The admins' page of accounts."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AfterValidator
from sqlalchemy.orm import Session

from api.deps import EngineDep, ReadingDep, SettingsDep, UserAdmin
from api.directory import service
from api.directory.schemas import AccountImport, AccountImportResult, ResetLink, RoleChange
from api.pages.kit.forms import ShowAgain, show_once, submit_form
from api.pages.kit.reading import read_decision, read_model, unify_lines
from api.pages.kit.showing import show
from core.domain.access import Role
from core.domain.accounts import AccountDeed, AccountState
from core.domain.errors import RequestRefused

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
HERE = "/admin/users"
SHOWN = 50
SAID = {
    AccountDeed.SUSPEND: "It is suspended; every log-in and token of it has ended.",
    AccountDeed.REINSTATE: "It may log in again.",
    AccountDeed.DROP_FACTOR: "Its second factor is gone, and every log-in and token of it has ended.",
    AccountDeed.LOG_OUT: "Every log-in and token of it has ended.",
}
Reason = Annotated[str, Form()]


@router.get("/admin/users", name="users")
def show_users(
    request: Request,
    caller: UserAdmin,
    session: ReadingDep,
    q: Annotated[str, Query(max_length=100)] = "",
    role: Role | None = None,
    state: AccountState | None = None,
    before: Annotated[str | None, Query(max_length=64)] = None,
) -> HTMLResponse:
    return _render(request, session, q=q, role=role, state=state, before=before)


@router.post("/admin/users/import")
def import_users(
    request: Request,
    caller: UserAdmin,
    engine: EngineDep,
    settings: SettingsDep,
    csv: Annotated[str, AfterValidator(unify_lines), Form()] = "",
    reason: Reason = "",
    really: Annotated[bool, Form()] = False,
) -> Response:
    """Say what each line would make; with `really` make it. Links stand on this answer and nowhere else."""
    typed = {"csv": csv, "reason": reason, "dry_run": not really}

    def act(session: Session) -> AccountImportResult:
        return service.import_accounts(session, settings, read_model(AccountImport, typed), caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _render(request, session, error=error, typed=typed),
        lambda found: show_once(engine, lambda session: _render(request, session, imported=found, typed=typed)),
    )


@router.post("/admin/users/{name}/role")
def change_role(
    name: str,
    request: Request,
    caller: UserAdmin,
    engine: EngineDep,
    role: Annotated[Role, Form()],
    reason: Reason = "",
) -> Response:
    def act(session: Session) -> object:
        change = RoleChange(role=role, reason=read_decision(reason).reason)
        return service.change_role(session, name, change, caller)

    return submit_form(engine, act, _again(request, name), f"{HERE}?q={name}", f"{name} is {role} now.")


@router.post("/admin/users/{name}/reset")
def hand_out_link(
    name: str, request: Request, caller: UserAdmin, engine: EngineDep, settings: SettingsDep, reason: Reason = ""
) -> Response:
    """The link stands on this answer and nowhere else."""

    def act(session: Session) -> ResetLink:
        return service.hand_out_link(session, settings, name, read_decision(reason).reason, caller)

    return submit_form(
        engine,
        act,
        _again(request, name),
        lambda found: show_once(engine, lambda session: _render(request, session, q=name, link=found)),
    )


@router.post("/admin/users/{name}/{deed}")
def act_on_user(
    name: str, deed: AccountDeed, request: Request, caller: UserAdmin, engine: EngineDep, reason: Reason = ""
) -> Response:
    return submit_form(
        engine,
        lambda session: service.act(session, name, deed, read_decision(reason).reason, caller),
        _again(request, name),
        f"{HERE}?q={name}",
        SAID[deed],
    )


def _again(request: Request, name: str) -> ShowAgain:
    return lambda session, error: _render(request, session, q=name, error=error)


def _render(
    request: Request,
    session: Session,
    *,
    q: str = "",
    role: Role | None = None,
    state: AccountState | None = None,
    before: str | None = None,
    error: RequestRefused | None = None,
    **values: Any,
) -> HTMLResponse:
    found = service.list_accounts(session, text=q, role=role, state=state, before=before, limit=SHOWN)
    chosen = {name: value for name, value in {"q": q, "role": role, "state": state}.items() if value}
    known = {"imported": None, "link": None, "typed": {}} | values
    return show(request, "users.html", error=error, found=found, chosen=chosen, before=before, **known)
