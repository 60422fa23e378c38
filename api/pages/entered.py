"""The organizers' page of a competition's submissions, and what is done to one of them or to many."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller, EngineDep, Moderator, Organizer, ReadingDep
from api.organize import service, workspace
from api.organize.schemas import ManyDeeds, ManyDone, SubmissionDeed
from api.pages.kit.forms import lead_on, submit_form
from api.pages.kit.reading import read_decision, read_model
from api.pages.kit.showing import show
from api.submissions import service as submissions
from core.db.models.submissions import Submission
from core.db.queries import evaluations
from core.db.session import reading
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.spreadsheet import EXCEL_MARK
from core.scorecard import ScorecardSummary

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SHOWN = 200


class TickedDeed(StrEnum):
    DISQUALIFY = "disqualify"
    REINSTATE = "reinstate"
    REJUDGE = "rejudge"
    EXPORT = "export"


@router.get("/competitions/{slug}/organize/submissions", name="entered")
def show_entered(slug: str, request: Request, caller: Organizer, session: ReadingDep) -> HTMLResponse:
    return _render(slug, request, caller, session)


@router.post("/competitions/{slug}/organize/submissions")
def act_on_ticked(
    slug: str,
    request: Request,
    caller: Moderator,
    engine: EngineDep,
    deed: Annotated[TickedDeed, Form()],
    submissions: Annotated[list[str], Form()] = [],  # noqa: B006 (FastAPI copies it)
    reason: Annotated[str, Form()] = "",
) -> Response:
    """A deed on every submission that was ticked; a file of them, or of all, needs no reason."""

    def act(session: Session) -> Response:
        if deed is TickedDeed.EXPORT:
            return _download(slug, workspace.export(session, slug, caller, frozenset(submissions)))
        if not submissions:
            raise InvalidInput("tick at least one submission", field="submissions")
        if deed is TickedDeed.REJUDGE:
            asked = urlencode({"plan": "true", "submissions": " ".join(submissions)})
            return RedirectResponse(f"/competitions/{slug}/rejudges?{asked}", status_code=303)
        wanted = {"deed": SubmissionDeed(deed), "submissions": submissions, "reason": read_decision(reason).reason}
        done = workspace.act_on_many(session, slug, read_model(ManyDeeds, wanted), caller)
        return lead_on(_find_page(slug), _tell(done, deed))

    return submit_form(
        engine,
        act,
        lambda session, error: _render(slug, request, caller, session, error),
        lambda answer: answer,
    )


@router.post("/submissions/{submission_id}/moderate")
def moderate(
    submission_id: str,
    request: Request,
    caller: Moderator,
    engine: EngineDep,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Disqualify a submission that stands, reinstate one that does not."""
    with reading(engine) as session:
        submission = submissions.load_visible(session, submission_id, caller)
    slug = submission.competition.slug
    act = service.disqualify if submission.disqualified_at is None else service.reinstate
    return submit_form(
        engine,
        lambda session: act(session, submission_id, read_decision(reason).reason, caller),
        lambda session, error: _render(slug, request, caller, session, error),
        _find_page(slug),
        "It is off the board." if act is service.disqualify else "It is back on the board.",
    )


def _render(
    slug: str, request: Request, caller: Caller, session: Session, error: RequestRefused | None = None
) -> HTMLResponse:
    row = load_competition(session, slug, caller)
    entries = evaluations.fetch_submissions_of_competition(session, row.id, limit=SHOWN)
    summaries = evaluations.fetch_summaries(session, [submissions.get_evaluation(entry).id for entry in entries])
    lines = [_make_line(entry, summaries) for entry in entries]
    return show(request, "organize_submissions.html", error=error, competition=row, lines=lines, shown=SHOWN)


def _make_line(entry: Submission, summaries: Mapping[str, ScorecardSummary]) -> dict[str, Any]:
    evaluation = submissions.get_evaluation(entry)
    summary = summaries.get(evaluation.id)
    return {
        "submission": entry,
        "evaluation": evaluation,
        "progress": submissions.make_progress(evaluation),
        "flags": summary.flags if summary else (),
    }


def _find_page(slug: str) -> str:
    return f"/competitions/{slug}/organize/submissions"


def _tell(done: ManyDone, deed: TickedDeed) -> str:
    refused = [f"{item.submission_id[-8:]}: {item.detail}" for item in done.items if not item.done]
    count = len(done.items) - len(refused)
    words = "disqualified" if deed is TickedDeed.DISQUALIFY else "reinstated"
    return f"{count} {words}." + (f" Refused: {'; '.join(refused[:5])}." if refused else "")


def _download(slug: str, table: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{slug}-submissions.csv"'}
    return Response(EXCEL_MARK + table, media_type="text/csv", headers=headers)
