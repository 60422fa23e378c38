"""Pages that need to know who reads them: logging in, tokens, one's submissions, uploading."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from api.competitions import service as competitions
from api.cookies import check_same_site, drop_cookie, read_cookie, set_cookie
from api.deps import (
    Caller,
    Canceller,
    EngineDep,
    Manager,
    Member,
    PublicCaller,
    ReadingDep,
    Registrant,
    SettingsDep,
    StoreDep,
    Submitter,
)
from api.pages.kit.reading import clean_next
from api.pages.kit.showing import make_key, show
from api.pages.views import load_submission
from api.rules.service import make_view as make_rules_view
from api.submissions import service as submissions
from api.submissions.acceptance import Upload, accept_upload, clean_filename
from api.submissions.promotion import promote
from api.submissions.reading import make_reading
from api.submissions.schemas import Reading, RequestedPurpose
from api.users import logins
from api.users import service as accounts
from api.users.schemas import Registration, TokenRequest, TokenView
from core.db.queries import phases, users
from core.db.session import reading as open_reading
from core.db.session import transaction
from core.domain.access import Scope
from core.domain.errors import InvalidInput, RequestRefused
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
PAGE_SIZE = 50


@router.get("/login", name="login")
def show_login(
    request: Request, caller: Registrant, settings: SettingsDep, next: Annotated[str, Query()] = "/"
) -> HTMLResponse:
    return show(request, "login.html", next=clean_next(next), name="", provider=get_provider(settings))


def get_provider(settings: Settings) -> str:
    """What the log-in provider is called; empty without one."""
    return settings.oidc_name if settings.has_provider else ""


@router.post("/login")
def log_in(
    request: Request,
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    name: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=256)],
    next: Annotated[str, Form()] = "/",
) -> Response:
    check_same_site(request)
    try:
        entered = logins.log_in(engine, settings, name, password)
    except RequestRefused as error:
        values = {"next": clean_next(next), "name": name, "provider": get_provider(settings)}
        return show(request, "login.html", error=error, **values)
    response = RedirectResponse(clean_next(next), status_code=303)
    set_cookie(request, response, settings, entered.secret)
    return response


@router.get("/register", name="register")
def show_registration(
    request: Request, caller: Registrant, settings: SettingsDep, next: Annotated[str, Query()] = "/start"
) -> HTMLResponse:
    return show(request, "register.html", next=clean_next(next), name="", provider=get_provider(settings))


@router.post("/register")
def register(
    request: Request,
    caller: Registrant,
    engine: EngineDep,
    settings: SettingsDep,
    name: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=256)],
    next: Annotated[str, Form()] = "/start",
) -> Response:
    check_same_site(request)
    try:
        with transaction(engine) as session:
            accounts.register(session, settings, _read_registration(name, password))
        entered = logins.log_in(engine, settings, name, password)
    except RequestRefused as error:
        values = {"next": clean_next(next), "name": name, "provider": get_provider(settings)}
        return show(request, "register.html", error=error, **values)
    response = RedirectResponse(clean_next(next), status_code=303)
    set_cookie(request, response, settings, entered.secret)
    return response


def _read_registration(name: str, password: str) -> Registration:
    try:
        return Registration(name=name, password=password)
    except ValidationError as error:
        raise InvalidInput("; ".join(found["msg"] for found in error.errors())) from None


@router.post("/logout")
def log_out(request: Request, caller: PublicCaller, engine: EngineDep, settings: SettingsDep) -> Response:
    check_same_site(request)
    issuer = logins.log_out(engine, read_cookie(request, settings))
    is_known = bool(issuer) and settings.has_provider and issuer == settings.oidc_issuer
    response = RedirectResponse("/logout/provider" if is_known else "/", status_code=303)
    drop_cookie(request, response, settings)
    return response


@router.get("/account", name="account")
def show_account(request: Request, caller: Member, session: ReadingDep) -> HTMLResponse:
    return _show_account(request, caller, session)


def _show_account(request: Request, caller: Caller, session: ReadingDep, **values: Any) -> HTMLResponse:
    rows = users.fetch_tokens(session, caller.member_id)
    tokens = [TokenView.model_validate(row) for row in rows if row.revoked_at is None]
    return show(request, "account.html", tokens=tokens, scopes=list(Scope), **{"fresh": None, **values})


@router.post("/account/tokens")
def create_token(
    request: Request,
    caller: Manager,
    engine: EngineDep,
    settings: SettingsDep,
    label: Annotated[str, Form(max_length=80)] = "",
    scopes: Annotated[list[Scope], Form()] = [],  # noqa: B006 (FastAPI copies it)
) -> HTMLResponse:
    """The secret stands on this answer and nowhere else."""
    try:
        if not scopes:
            raise InvalidInput("choose at least one thing the token may be used for")
        with transaction(engine) as session:
            user = users.fetch_user(session, caller.member_id)
            if user is None:
                raise InvalidInput("the account is gone")
            fresh = accounts.issue_token(session, settings, user, TokenRequest(label=label, scopes=scopes))
    except RequestRefused as error:
        with open_reading(engine) as session:
            return _show_account(request, caller, session, error=error)
    with open_reading(engine) as session:
        response = _show_account(request, caller, session, fresh=fresh)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(token_id: str, caller: Manager, engine: EngineDep) -> Response:
    with transaction(engine) as session:
        accounts.revoke_token(session, token_id, caller.member_id)
    return RedirectResponse("/account", status_code=303)


@router.get("/submissions", name="own_submissions")
def show_own_submissions(
    request: Request, caller: Member, session: ReadingDep, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> HTMLResponse:
    page = submissions.list_own(session, caller, limit=PAGE_SIZE, cursor=cursor)
    slugs = phases.fetch_slugs(session, {item.competition for item in page.items})
    values = {"entries": page.items, "next_cursor": page.next_cursor, "selections": slugs}
    return show(request, "own_submissions.html", page=values)


@router.get("/competitions/{slug}/submit", name="submit")
def show_submit(
    slug: str,
    request: Request,
    caller: Member,
    session: ReadingDep,
    settings: SettingsDep,
    practice: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    return _show_submit(slug, request, caller, session, settings, practice=practice)


def _show_submit(
    slug: str,
    request: Request,
    caller: Caller,
    session: ReadingDep,
    settings: SettingsDep,
    *,
    error: RequestRefused | None = None,
    note: str = "",
    practice: bool = False,
    reading: Reading | None = None,
) -> HTMLResponse:
    row = competitions.load_competition(session, slug, caller)
    view = competitions.make_view(session, settings, row, caller)
    limits = competitions.make_limits(session, settings, row, caller)
    values = {
        "competition": view,
        "limits": limits,
        "rules": make_rules_view(session, row, caller),
        "note": note,
        "practice": practice,
        "key": make_key(),
        "reading": reading,
    }
    return show(request, "submit.html", error=error, **values)


@router.post("/competitions/{slug}/submit")
def submit(
    slug: str,
    request: Request,
    caller: Submitter,
    engine: EngineDep,
    store: StoreDep,
    settings: SettingsDep,
    file: Annotated[UploadFile, File()],
    note: Annotated[str, Form(max_length=500)] = "",
    practice: Annotated[bool, Form()] = False,
    key: Annotated[str | None, Form(max_length=200)] = None,
    seen: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """A file that would not run as it is counts only once its author has seen what would: `seen` is its SHA-256."""
    filled: dict[str, Any] = {"note": note, "practice": practice}
    try:
        content = file.file.read(settings.upload_bytes + 1)
        if not content:
            raise InvalidInput("choose a file first; an empty one cannot be run")
        filename = clean_filename(file.filename or "")
        reading = make_reading(filename, content, limit_bytes=settings.upload_bytes)
        if not reading.is_as_sent and reading.sha256 != seen:
            with open_reading(engine) as session:
                return _show_submit(slug, request, caller, session, settings, reading=reading, **filled)
        upload = Upload(
            slug=slug,
            filename=filename,
            content=content,
            note=note,
            purpose=RequestedPurpose.PRACTICE if practice else RequestedPurpose.RANKED,
            key=key or None,
        )
        accepted = accept_upload(engine, store, upload, caller, limit_bytes=settings.upload_bytes)
    except RequestRefused as error:
        with open_reading(engine) as session:
            return _show_submit(slug, request, caller, session, settings, error=error, **filled)
    return RedirectResponse(f"/submissions/{accepted.submission_id}", status_code=303)


@router.post("/submissions/{submission_id}/cancel")
def cancel(submission_id: str, caller: Canceller, engine: EngineDep) -> Response:
    with transaction(engine) as session:
        submissions.cancel(session, submission_id, caller)
    return RedirectResponse(f"/submissions/{submission_id}", status_code=303)


@router.post("/submissions/{submission_id}/promote")
def submit_for_real(
    submission_id: str,
    request: Request,
    caller: Submitter,
    engine: EngineDep,
    store: StoreDep,
    settings: SettingsDep,
    key: Annotated[str | None, Form(max_length=200)] = None,
) -> Response:
    limit = settings.upload_bytes
    try:
        accepted = promote(engine, store, submission_id, caller, key=key or None, limit_bytes=limit)
    except RequestRefused as error:
        with open_reading(engine) as session:
            page = load_submission(session, submission_id, caller)
            return show(request, "submission.html", error=error, page=page, key=make_key())
    return RedirectResponse(f"/submissions/{accepted.submission_id}", status_code=303)
