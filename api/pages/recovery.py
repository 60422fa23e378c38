"""Pages of who cannot log in any more: ask for a link, and set a new password by it."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.cookies import check_same_site
from api.deps import EngineDep, ReadingDep, Registrant, SettingsDep
from api.pages.kit.forms import answer_form, lead_on
from api.pages.kit.reading import read_model
from api.pages.kit.showing import show
from api.users import recovery
from api.users.schemas import NewPassword, ResetRequest
from api.users.sources import find_place
from core.domain.errors import RequestRefused

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Token = Annotated[str, Query(max_length=100)]


@router.get("/reset", name="reset")
def show_reset(request: Request, caller: Registrant, settings: SettingsDep) -> HTMLResponse:
    return show(request, "reset.html", sends_mail=settings.sends_mail, name="")


@router.post("/reset")
def ask(
    request: Request,
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    background: BackgroundTasks,
    name: Annotated[str, Form(max_length=254)] = "",
) -> Response:
    check_same_site(request)

    def answer() -> Response:
        wanted = read_model(ResetRequest, {"name": name.strip()}, "give the name of the account, or its address")
        recovery.count_asking(engine, find_place(request))
        background.add_task(recovery.send_links, engine, settings, wanted.name)
        return lead_on("/login", f"{recovery.ASKED[:1].upper()}{recovery.ASKED[1:]}.")

    return answer_form(
        engine,
        answer,
        lambda _, error: show(request, "reset.html", error=error, sends_mail=settings.sends_mail, name=name),
    )


@router.get("/reset/new", name="new_password")
def show_new_password(request: Request, caller: Registrant, session: ReadingDep, token: Token = "") -> HTMLResponse:
    recovery.check_link(session, token)
    return _render(request, token)


@router.post("/reset/new")
def set_password(
    request: Request,
    caller: Registrant,
    engine: EngineDep,
    token: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    check_same_site(request)

    def answer() -> Response:
        new = read_model(NewPassword, {"token": token, "password": password})
        recovery.set_password(engine, new.token, new.password)
        return lead_on("/login", "The new password is set; every log-in and token of the account has ended.")

    return answer_form(engine, answer, lambda _, error: _render(request, token, error=error))


def _render(request: Request, token: str, *, error: RequestRefused | None = None) -> HTMLResponse:
    response = show(request, "new_password.html", token=token, error=error)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
