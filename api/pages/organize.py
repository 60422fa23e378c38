"""The organizers' page of a competition: its state, settings, grants and submissions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from api.announcements import service as announcements
from api.competitions import service as competitions
from api.deps import Caller, EngineDep, Moderator, Organizer, ReadingDep, SettingsDep
from api.organize import service, workspace
from api.organize.grants import grant
from api.organize.schemas import Grant, ManyDeeds, ManyDone, StateChange, SubmissionDeed
from api.organize.settings import change_settings
from api.pages.kit.forms import ShowAgain, lead_on, submit_form
from api.pages.kit.reading import read_decision, read_model
from api.pages.kit.showing import show
from api.pages.settings_form import (
    GrantForm,
    SettingsForm,
    list_settings,
    read_settings,
)
from api.submissions import service as submissions
from core.db.base import utc_now
from core.db.models.submissions import Submission
from core.db.queries import evaluations, phases
from core.db.session import reading
from core.domain.competition import COMPETITION_MOVES, CompetitionState
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.next_step import Step
from core.domain.phases import PhaseKind
from core.domain.spreadsheet import EXCEL_MARK
from core.scorecard import ScorecardSummary
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SHOWN = 200
FORMS = ("state", "settings", "grant", "announce", "ticked")


@dataclass(frozen=True, slots=True)
class Sent:
    """A form of the page that was refused: it is shown again as it was filled in."""

    form: str = ""  # one of FORMS, or the id of the submission or announcement whose form it is
    values: Mapping[str, Any] = field(default_factory=dict)
    settings: SettingsForm | None = None


NOTHING_SENT = Sent()


@router.get("/competitions/{slug}/organize", name="organize")
def show_organize(
    slug: str, request: Request, caller: Organizer, session: ReadingDep, settings: SettingsDep
) -> HTMLResponse:
    return _render_organize(slug, request, caller, session, settings)


def _render_organize(
    slug: str,
    request: Request,
    caller: Caller,
    session: Session,
    settings: Settings,
    error: RequestRefused | None = None,
    *,
    sent: Sent = NOTHING_SENT,
) -> HTMLResponse:
    row = competitions.load_competition(session, slug, caller)
    rows = evaluations.fetch_submissions_of_competition(session, row.id, limit=SHOWN)
    summaries = evaluations.fetch_summaries(session, [submissions.get_evaluation(entry).id for entry in rows])
    lines = [_make_line(entry, summaries) for entry in rows]
    moves = sorted(COMPETITION_MOVES[row.state_at(utc_now())])
    view = competitions.make_view(session, settings, row, caller)
    announced = announcements.list_announcements(session, slug, caller).items
    values: dict[str, Any] = {"competition": view, "lines": lines, "moves": moves, "announced": announced}
    beside = {PhaseKind(phase.kind) for phase in phases.fetch_phases(session, row.id)}
    values["settings"] = list_settings(row, beside, sent.settings)
    values["typed"] = {name: sent.values if name == sent.form else {} for name in FORMS}
    values["edited"] = sent.values
    values["outcomes"] = sorted(evaluations.count_outcomes(session, row.id).items())
    values["next"] = workspace.find_step(session, slug, caller)
    values["steps"] = list(Step)
    return show(request, "organize.html", error=error, refused=sent.form, shown=SHOWN, **values)


def show_again(slug: str, request: Request, caller: Caller, settings: Settings, sent: Sent) -> ShowAgain:
    """With what was typed, and the refusal in the form it is about."""
    return lambda session, error: _render_organize(slug, request, caller, session, settings, error, sent=sent)


def _make_line(entry: Submission, summaries: Mapping[str, ScorecardSummary]) -> dict[str, Any]:
    evaluation = submissions.get_evaluation(entry)
    summary = summaries.get(evaluation.id)
    return {
        "submission": entry,
        "evaluation": evaluation,
        "progress": submissions.make_progress(evaluation),
        "flags": summary.flags if summary else (),
    }


@router.post("/competitions/{slug}/organize/state")
def change_state(
    slug: str,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    settings: SettingsDep,
    state: Annotated[CompetitionState, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> None:
        change = StateChange(state=state, reason=read_decision(reason).reason)
        service.change_state(session, slug, change, caller)

    return submit_form(
        engine,
        act,
        show_again(slug, request, caller, settings, Sent("state", {"state": state, "reason": reason})),
        f"/competitions/{slug}/organize",
        f"The competition is {state} now.",
    )


@router.post("/competitions/{slug}/organize/settings")
def change_competition_settings(
    slug: str,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    settings: SettingsDep,
    form: Annotated[SettingsForm, Form()],
) -> Response:
    return submit_form(
        engine,
        lambda session: change_settings(session, slug, read_settings(form), caller),
        show_again(slug, request, caller, settings, Sent("settings", form.model_dump(), form)),
        f"/competitions/{slug}/organize",
        "The settings are saved.",
    )


@router.post("/competitions/{slug}/organize/grant")
def grant_submissions(
    slug: str,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    settings: SettingsDep,
    form: Annotated[GrantForm, Form()],
) -> Response:
    return submit_form(
        engine,
        lambda session: grant(session, slug, read_model(Grant, form.model_dump()), caller),
        show_again(slug, request, caller, settings, Sent("grant", form.model_dump())),
        f"/competitions/{slug}/organize",
        "Granted.",
    )


@router.post("/submissions/{submission_id}/moderate")
def moderate(
    submission_id: str,
    request: Request,
    caller: Moderator,
    engine: EngineDep,
    settings: SettingsDep,
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
        show_again(slug, request, caller, settings, Sent(submission_id, {"reason": reason})),
        f"/competitions/{slug}/organize",
        "It is off the board." if act is service.disqualify else "It is back on the board.",
    )


class TickedDeed(StrEnum):
    DISQUALIFY = "disqualify"
    REINSTATE = "reinstate"
    REJUDGE = "rejudge"
    EXPORT = "export"


@router.post("/competitions/{slug}/organize/ticked")
def act_on_ticked(
    slug: str,
    request: Request,
    caller: Moderator,
    engine: EngineDep,
    settings: SettingsDep,
    deed: Annotated[TickedDeed, Form()],
    submissions: Annotated[list[str], Form()] = [],  # noqa: B006 (FastAPI copies it)
    reason: Annotated[str, Form()] = "",
) -> Response:
    """A deed on every submission that was ticked; a file of them, or of all, needs no reason."""
    sent = Sent("ticked", {"deed": deed, "submissions": submissions, "reason": reason})

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
        return lead_on(f"/competitions/{slug}/organize#submissions", _tell(done, deed))

    return submit_form(engine, act, show_again(slug, request, caller, settings, sent), lambda answer: answer)


def _tell(done: ManyDone, deed: TickedDeed) -> str:
    refused = [f"{item.submission_id[-8:]}: {item.detail}" for item in done.items if not item.done]
    count = len(done.items) - len(refused)
    words = "disqualified" if deed is TickedDeed.DISQUALIFY else "reinstated"
    return f"{count} {words}." + (f" Refused: {'; '.join(refused[:5])}." if refused else "")


def _download(slug: str, table: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{slug}-submissions.csv"'}
    return Response(EXCEL_MARK + table, media_type="text/csv", headers=headers)
