"""The page of one's account and its tokens."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from api.deps import Caller, EngineDep, Manager, Member, ReadingDep, SettingsDep
from api.pages.kit.forms import show_once, submit_form
from api.pages.kit.showing import show
from api.users import service
from api.users.schemas import NewToken, TokenRequest, TokenView
from core.db.queries import users
from core.db.session import transaction
from core.domain.access import Action, Scope, is_allowed
from core.domain.errors import InvalidInput

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/account", name="account")
def show_account(request: Request, caller: Member, session: ReadingDep) -> HTMLResponse:
    return _render_account(request, caller, session)


@router.post("/account/tokens")
def create_token(
    request: Request,
    caller: Manager,
    engine: EngineDep,
    settings: SettingsDep,
    label: Annotated[str, Form(max_length=80)] = "",
    scopes: Annotated[list[Scope], Form()] = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """The secret stands on this answer and nowhere else."""

    def act(session: Session) -> NewToken:
        if not scopes:
            raise InvalidInput("choose at least one thing the token may be used for", field="scopes")
        user = users.fetch_user(session, caller.member_id)
        if user is None:
            raise InvalidInput("the account is gone")
        return service.issue_token(session, settings, user, TokenRequest(label=label, scopes=scopes))

    return submit_form(
        engine,
        act,
        lambda session, error: _render_account(request, caller, session, error=error),
        lambda fresh: show_once(engine, lambda session: _render_account(request, caller, session, fresh=fresh)),
    )


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(token_id: str, caller: Manager, engine: EngineDep) -> Response:
    with transaction(engine) as session:
        service.revoke_token(session, token_id, caller.member_id)
    return RedirectResponse("/account", status_code=303)


def _render_account(request: Request, caller: Caller, session: Session, **values: Any) -> HTMLResponse:
    rows = users.fetch_tokens(session, caller.member_id)
    tokens = [TokenView.model_validate(row) for row in rows if row.revoked_at is None]
    return show(request, "account.html", tokens=tokens, scopes=_list_scopes(caller), **{"fresh": None, **values})


def _list_scopes(caller: Caller) -> list[Scope]:
    """What a token of theirs could be used for."""
    watches = is_allowed(caller.role, Action.READ_METRICS)
    return [scope for scope in Scope if scope is not Scope.METRICS or watches]
