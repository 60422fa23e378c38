"""Pages of one's own submissions, and of uploading another one."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from api.competitions import service as competitions
from api.deps import Caller, EngineDep, Member, ReadingDep, SettingsDep, StoreDep, Submitter
from api.pages.kit.forms import answer_form
from api.pages.kit.showing import make_key, show
from api.rules.service import make_view as make_rules_view
from api.submissions import service as submissions
from api.submissions.acceptance import Upload, accept_upload, clean_filename, find_given
from api.submissions.intake import Intake, IntakeDep
from api.submissions.reading import make_reading
from api.submissions.schemas import NOTE_LENGTH, Reading, RequestedPurpose
from core.db.queries import phases
from core.db.session import reading as open_reading
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.notes import NoteReaders
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
PAGE_SIZE = 50


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
    return _render_submit(slug, request, caller, session, settings, practice=practice)


@router.post("/competitions/{slug}/submit")
def submit(
    slug: str,
    request: Request,
    caller: Submitter,
    engine: EngineDep,
    store: StoreDep,
    settings: SettingsDep,
    intake: IntakeDep,
    file: Annotated[UploadFile, File()],
    note: Annotated[str, Form(max_length=NOTE_LENGTH)] = "",
    note_readers: Annotated[NoteReaders, Form()] = NoteReaders.EVERYBODY,
    practice: Annotated[bool, Form()] = False,
    key: Annotated[str | None, Form(max_length=200)] = None,
    seen: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """A file that would not run as it is counts only once its author has seen what would: `seen` is its SHA-256."""
    filled: dict[str, Any] = {"note": note, "note_readers": note_readers, "practice": practice}

    def act() -> Response:
        filename, content = _read_file(file, intake)
        purpose = RequestedPurpose.PRACTICE if practice else RequestedPurpose.RANKED
        reading = make_reading(filename, content, intake, find_given(engine, slug, purpose, caller))
        if not reading.is_as_sent and reading.sha256 != seen:
            with open_reading(engine) as session:
                return _render_submit(slug, request, caller, session, settings, reading=reading, **filled)
        upload = Upload(
            slug=slug,
            filename=filename,
            content=content,
            note=note,
            note_readers=note_readers,
            purpose=purpose,
            key=key or None,
        )
        accepted = accept_upload(engine, store, upload, caller, intake)
        return RedirectResponse(f"/submissions/{accepted.submission_id}", status_code=303)

    return answer_form(
        engine,
        act,
        lambda session, error: _render_submit(slug, request, caller, session, settings, error=error, **filled),
    )


def _read_file(file: UploadFile, intake: Intake) -> tuple[str, bytes]:
    content = file.file.read(intake.limit_bytes + 1)
    if not content:
        raise InvalidInput("choose a file first; an empty one cannot be run", field="file")
    return clean_filename(file.filename or ""), content


def _render_submit(
    slug: str,
    request: Request,
    caller: Caller,
    session: Session,
    settings: Settings,
    *,
    error: RequestRefused | None = None,
    note: str = "",
    note_readers: NoteReaders = NoteReaders.EVERYBODY,
    practice: bool = False,
    reading: Reading | None = None,
) -> HTMLResponse:
    row = competitions.load_competition(session, slug, caller)
    return show(
        request,
        "submit.html",
        error=error,
        competition=competitions.make_view(session, settings, row, caller),
        limits=competitions.make_limits(session, settings, row, caller),
        rules=make_rules_view(session, row, caller),
        note=note,
        note_readers=note_readers,
        practice=practice,
        key=make_key(),
        reading=reading,
    )
