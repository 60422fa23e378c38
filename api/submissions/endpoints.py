"""Submissions over HTTP."""

from collections.abc import AsyncIterable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Header, Query, Response, UploadFile
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Engine

from api.deps import (
    Caller,
    Canceller,
    EngineDep,
    Member,
    PublicCaller,
    ReadingDep,
    SessionDep,
    StoreDep,
    Submitter,
)
from api.errors import describe_errors
from api.submissions import service
from api.submissions.acceptance import Accepted, Upload, accept_upload, clean_filename, find_given
from api.submissions.comparison import load_comparison
from api.submissions.events import follow
from api.submissions.examples import load_examples
from api.submissions.intake import IntakeDep
from api.submissions.promotion import promote
from api.submissions.publishing import load_readable, publish
from api.submissions.reading import make_reading
from api.submissions.schemas import (
    NOTE_LENGTH,
    Comparison,
    ExampleList,
    NoteChange,
    PublicationRequest,
    Reading,
    RequestedPurpose,
    SubmissionPage,
    SubmissionView,
)
from core.db.session import reading, transaction
from core.domain.intake.given import ANY_PROBLEM
from core.domain.notes import NoteReaders
from core.scorecard import ScorecardRecord

router = APIRouter(tags=["submissions"])
ROUTERS = (router,)

# a file with styles and pictures of its own and nothing that runs or loads
REPORT_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'; sandbox"
    ),
    "Content-Disposition": 'inline; filename="report.html"',
}


@router.post(
    "/competitions/{slug}/submissions",
    status_code=202,
    operation_id="create_submission",
    responses=describe_errors(401, 403, 404, 409, 413, 422, 429, 503),
)
def create_submission(
    slug: str,
    caller: Submitter,
    engine: EngineDep,
    store: StoreDep,
    intake: IntakeDep,
    response: Response,
    file: Annotated[UploadFile, File(description="one .py file, a .ipynb notebook, or a .zip with submission.py")],
    note: Annotated[str, Form(max_length=NOTE_LENGTH, description="shown beside the entry")] = "",
    note_readers: Annotated[NoteReaders, Form(description="who reads the note")] = NoteReaders.EVERYBODY,
    purpose: Annotated[RequestedPurpose, Form()] = RequestedPurpose.RANKED,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> SubmissionView:
    """Upload code; what is wrong with the code itself becomes the submission's verdict, not an error here."""
    upload = Upload(
        slug=slug,
        filename=clean_filename(file.filename or ""),
        content=file.file.read(intake.limit_bytes + 1),
        note=note,
        note_readers=note_readers,
        purpose=purpose,
        key=idempotency_key,
    )
    accepted = accept_upload(engine, store, upload, caller, intake)
    return _tell(accepted, caller, engine, response)


@router.patch("/submissions/{submission_id}", operation_id="edit_note", responses=describe_errors(401, 403, 404, 422))
def edit_note(submission_id: str, caller: Submitter, session: SessionDep, change: NoteChange) -> SubmissionView:
    """Change the note on a submission, and who reads it; whoever uploaded it may, at any time."""
    return service.make_view(session, service.edit_note(session, submission_id, change, caller), caller)


@router.post(
    "/submissions/{submission_id}/promote",
    status_code=202,
    operation_id="promote_submission",
    responses=describe_errors(401, 403, 404, 409, 413, 422, 429, 503),
)
def promote_submission(
    submission_id: str,
    caller: Submitter,
    engine: EngineDep,
    store: StoreDep,
    intake: IntakeDep,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> SubmissionView:
    """Submit the source of a practice submission to the public phase; the answer is the new submission."""
    accepted = promote(engine, store, submission_id, caller, key=idempotency_key, intake=intake)
    return _tell(accepted, caller, engine, response)


@router.post("/check", operation_id="check_submission", responses=describe_errors(401, 404, 409, 413, 422, 429, 503))
def check_submission(
    caller: Submitter,
    engine: EngineDep,
    intake: IntakeDep,
    file: Annotated[UploadFile, File(description="as for a submission")],
    competition: Annotated[str, Form(description="held against what its problem gives; may be left out")] = "",
    purpose: Annotated[RequestedPurpose, Form()] = RequestedPurpose.RANKED,
) -> Reading:
    """What would be kept, changed and left out of a file, before it counts; nothing is stored or run."""
    content = file.file.read(intake.limit_bytes + 1)
    given = find_given(engine, competition, purpose, caller) if competition else ANY_PROBLEM
    return make_reading(clean_filename(file.filename or ""), content, intake, given)


@router.get(
    "/competitions/{slug}/compare", operation_id="compare_submissions", responses=describe_errors(401, 404, 422)
)
def compare_submissions(
    slug: str,
    caller: Member,
    session: ReadingDep,
    a: Annotated[str, Query(max_length=64, description="id of a submission of one's own; staff may name any")],
    b: Annotated[str, Query(max_length=64)],
) -> Comparison:
    """Two scored submissions side by side, and whether their difference is more than noise."""
    return load_comparison(session, slug, a, b, caller)


@router.get("/submissions", operation_id="list_submissions", responses=describe_errors(401, 422))
def list_submissions(
    caller: Member,
    session: ReadingDep,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> SubmissionPage:
    """The caller's own submissions, newest first."""
    page = service.list_own(session, caller, limit=limit, cursor=cursor)
    if page.next_cursor:
        response.headers["Link"] = f'</api/v1/submissions?limit={limit}&cursor={page.next_cursor}>; rel="next"'
    return page


@router.get("/submissions/{submission_id}", operation_id="get_submission", responses=describe_errors(404))
def get_submission(submission_id: str, caller: PublicCaller, session: ReadingDep) -> SubmissionView:
    return service.make_view(session, service.load_visible(session, submission_id, caller), caller)


def check_visible(submission_id: str, caller: PublicCaller, session: ReadingDep) -> str:
    """Refuse before the stream starts, while there is still a status to refuse with."""
    return service.load_visible(session, submission_id, caller).id


@router.get(
    "/submissions/{submission_id}/events",
    operation_id="follow_submission",
    response_class=EventSourceResponse,
    responses=describe_errors(404),
)
async def follow_submission(
    visible_id: Annotated[str, Depends(check_visible)],
    caller: PublicCaller,
    engine: EngineDep,
    last_event_id: Annotated[str, Header()] = "",
) -> AsyncIterable[ServerSentEvent]:
    """Moves (`status`), replica counts (`progress`), then `end`; send Last-Event-ID to go on where you were."""
    after = int(last_event_id) if last_event_id.isdecimal() else 0
    async for event in follow(engine, visible_id, caller, after=after):
        yield event


@router.get(
    "/submissions/{submission_id}/scorecard",
    operation_id="get_scorecard",
    responses=describe_errors(404),
)
def get_scorecard(submission_id: str, caller: PublicCaller, session: ReadingDep) -> ScorecardRecord:
    """Everything the score was made from."""
    return service.load_scorecard(session, submission_id, caller)


@router.get(
    "/submissions/{submission_id}/report",
    operation_id="get_report",
    response_class=HTMLResponse,
    responses=describe_errors(404, 503),
)
def get_report(submission_id: str, caller: PublicCaller, session: ReadingDep, store: StoreDep) -> HTMLResponse:
    """The scorecard explained, as one HTML file that loads nothing; 404 says why there is none."""
    content = service.load_report(session, store, submission_id, caller)
    return HTMLResponse(content, headers=REPORT_HEADERS)


@router.get(
    "/submissions/{submission_id}/examples",
    operation_id="list_examples",
    responses=describe_errors(404),
)
def list_examples(submission_id: str, caller: PublicCaller, session: ReadingDep) -> ExampleList:
    """The worst and the best forgotten examples and some between, on open problems; empty for older scorecards."""
    return load_examples(session, submission_id, caller)


@router.post(
    "/submissions/{submission_id}/publish",
    operation_id="publish_submission",
    responses=describe_errors(401, 403, 404, 409, 422),
)
def publish_submission(
    submission_id: str, body: PublicationRequest, caller: Submitter, session: SessionDep
) -> SubmissionView:
    """By its author, once the competition has ended; a licence that was given is not taken back."""
    row = publish(session, submission_id, body.licence, caller)
    return service.make_view(session, row, caller)


@router.get(
    "/submissions/{submission_id}/source",
    operation_id="get_source",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        **describe_errors(401, 404, 503),
    },
)
def get_source(submission_id: str, caller: PublicCaller, session: ReadingDep, store: StoreDep) -> Response:
    """The uploaded file, byte for byte; for its author and staff, and for everybody once it is published."""
    submission = load_readable(session, submission_id, caller)
    disposition = f"attachment; filename*=UTF-8''{quote(submission.filename, safe='')}"
    content = store.get(submission.source_digest)
    return Response(content, media_type="application/octet-stream", headers={"Content-Disposition": disposition})


@router.post(
    "/submissions/{submission_id}/cancel",
    status_code=202,
    operation_id="cancel_submission",
    responses=describe_errors(401, 403, 404, 409),
)
def cancel_submission(submission_id: str, caller: Canceller, engine: EngineDep) -> SubmissionView:
    """Stop a submission that is not finished; a running one ends within a heartbeat."""
    with transaction(engine) as session:
        service.cancel(session, submission_id, caller)
    with reading(engine) as session:
        return service.make_view(session, service.load_visible(session, submission_id, caller), caller)


def _tell(accepted: Accepted, caller: Caller, engine: Engine, response: Response) -> SubmissionView:
    if accepted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    with reading(engine) as session:
        view = service.make_view(session, service.load_visible(session, accepted.submission_id, caller), caller)
    response.headers["Location"] = view.links.self
    if view.verdict is None:
        response.headers["Retry-After"] = "1"
    return view
