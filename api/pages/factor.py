"""The page of one's second factor."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.deps import Caller, EngineDep, Manager, Member, ReadingDep
from api.pages.kit.forms import answer_form, lead_on, show_once, submit_form
from api.pages.kit.reading import read_model
from api.pages.kit.showing import show
from api.users import factors as service
from api.users.schemas import Code
from core.db.queries import factors

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
HERE = "/account/factor"
CODE_RULE = "give the six digits that the app shows, or a recovery code"
Typed = Annotated[str, Form(max_length=40)]


@router.get("/account/factor", name="factor")
def show_factor(request: Request, caller: Member, session: ReadingDep) -> HTMLResponse:
    return _render(request, caller, session)


@router.post("/account/factor")
def begin(request: Request, caller: Manager, engine: EngineDep) -> Response:
    return submit_form(
        engine,
        lambda session: service.begin(session, caller.member_id, caller.name),
        lambda session, error: _render(request, caller, session, error=error),
        HERE,
        "Scan the picture, then give the code that the app shows.",
    )


@router.post("/account/factor/confirm")
def confirm(request: Request, caller: Manager, engine: EngineDep, code: Typed = "") -> Response:
    """The recovery codes stand on this answer and nowhere else."""

    def answer() -> Response:
        codes = service.confirm(engine, caller.member_id, _read(code))
        return _show_codes(request, caller, engine, codes)

    return answer_form(engine, answer, lambda session, error: _render(request, caller, session, error=error))


@router.post("/account/factor/codes")
def renew_codes(request: Request, caller: Manager, engine: EngineDep, code: Typed = "") -> Response:
    def answer() -> Response:
        codes = service.renew_codes(engine, caller.member_id, _read(code))
        return _show_codes(request, caller, engine, codes)

    return answer_form(engine, answer, lambda session, error: _render(request, caller, session, error=error))


@router.post("/account/factor/remove")
def remove(request: Request, caller: Manager, engine: EngineDep, code: Typed = "") -> Response:
    def answer() -> Response:
        service.remove(engine, caller.member_id, _read(code))
        return lead_on(HERE, "The second factor is gone: the password alone logs in.")

    return answer_form(engine, answer, lambda session, error: _render(request, caller, session, error=error))


def _read(code: str) -> str:
    return read_model(Code, {"code": code.strip()}, CODE_RULE).code


def _show_codes(request: Request, caller: Caller, engine: Engine, codes: list[str]) -> HTMLResponse:
    return show_once(engine, lambda session: _render(request, caller, session, codes=codes))


def _render(request: Request, caller: Caller, session: Session, **values: Any) -> HTMLResponse:
    found = factors.fetch_factor(session, caller.member_id)
    waits = found is not None and found.confirmed_at is None
    offer = service.make_offer(found.secret, caller.name) if found is not None and waits else None
    left = factors.count_codes(session, caller.member_id)
    known = {"codes": None} | values
    return show(request, "factor.html", found=found, offer=offer, left=left, required=caller.lacks_factor, **known)
