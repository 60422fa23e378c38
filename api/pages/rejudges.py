"""Pages on which organizers plan, watch, compare and decide rejudges."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.competitions import service as competitions
from api.deps import Caller, EngineDep, ReadingDep, Rejudger
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_decision, read_model
from api.pages.kit.showing import show
from api.rejudges import service
from api.rejudges.schemas import MOST_SUBMISSIONS, RejudgeRequest, RejudgeScope
from core.db.models.rejudges import Rejudge
from core.db.queries import phases
from core.domain.errors import InvalidInput, NotFound, RequestRefused
from core.domain.phases import PhaseKind
from core.domain.submission import Verdict

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
DEEDS = {
    "promote": service.promote,
    "discard": service.discard,
    "pause": service.pause,
    "resume": service.resume,
}
SAID = {"promote": "promoted", "discard": "discarded", "pause": "paused", "resume": "going on"}
SELECTABLE = [verdict for verdict in Verdict if verdict is not Verdict.WITHDRAWN]


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the form."""

    verdicts: list[Verdict]
    submissions: str
    phase: PhaseKind

    def read(self, slug: str) -> RejudgeScope:
        named = self.submissions.split()
        values = {"competition": slug, "phase": self.phase, "verdicts": self.verdicts, "submissions": named}
        return read_model(RejudgeScope, values, f"name at most {MOST_SUBMISSIONS} submissions, by their ids")


@router.get("/competitions/{slug}/rejudges", name="rejudges")
def show_rejudges(
    slug: str,
    request: Request,
    caller: Rejudger,
    session: ReadingDep,
    verdicts: Annotated[list[Verdict] | None, Query()] = None,
    submissions: Annotated[str, Query(max_length=40_000)] = "",
    phase: Annotated[PhaseKind, Query()] = PhaseKind.PUBLIC,
    plan: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    """The form; with `plan` also what it would do."""
    filled = Filled(verdicts or [], submissions, phase)
    try:
        found = service.make_plan(session, filled.read(slug), caller) if plan else None
    except RequestRefused as error:
        competitions.load_competition(session, slug, caller)  # a form that asks too much is shown again
        return _render_rejudges(slug, request, caller, session, filled, error=error)
    return _render_rejudges(slug, request, caller, session, filled, plan=found)


@router.post("/competitions/{slug}/rejudges")
def start(
    slug: str,
    request: Request,
    caller: Rejudger,
    engine: EngineDep,
    verdicts: Annotated[list[Verdict] | None, Form()] = None,
    submissions: Annotated[str, Form(max_length=40_000)] = "",
    phase: Annotated[PhaseKind, Form()] = PhaseKind.PUBLIC,
    reason: Annotated[str, Form()] = "",
) -> Response:
    filled = Filled(verdicts or [], submissions, phase)

    def act(session: Session) -> Rejudge:
        scope = filled.read(slug)
        wanted = RejudgeRequest(**scope.model_dump(), reason=read_decision(reason).reason)
        return service.start(session, wanted, caller)

    def show_again(session: Session, error: RequestRefused | None) -> HTMLResponse:
        try:
            plan = service.make_plan(session, filled.read(slug), caller)
        except RequestRefused:
            plan = None
        return _render_rejudges(slug, request, caller, session, filled, plan=plan, error=error)

    return submit_form(
        engine,
        act,
        show_again,
        lambda started: f"/competitions/{slug}/rejudges/{started.id}",
    )


@router.get("/competitions/{slug}/rejudges/{rejudge_id}", name="rejudge")
def show_rejudge(slug: str, rejudge_id: str, request: Request, caller: Rejudger, session: ReadingDep) -> HTMLResponse:
    return _show_one(slug, rejudge_id, request, session)


@router.post("/competitions/{slug}/rejudges/{rejudge_id}")
def decide(
    slug: str,
    rejudge_id: str,
    request: Request,
    caller: Rejudger,
    engine: EngineDep,
    deed: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> None:
        if deed not in DEEDS:
            raise InvalidInput("a rejudge is promoted, discarded, paused or resumed")
        DEEDS[deed](session, rejudge_id, read_decision(reason).reason, caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _show_one(slug, rejudge_id, request, session, error),
        f"/competitions/{slug}/rejudges/{rejudge_id}",
        f"The rejudge is {SAID.get(deed, deed)}.",
    )


def _render_rejudges(
    slug: str, request: Request, caller: Caller, session: Session, filled: Filled, **values: Any
) -> HTMLResponse:
    row = competitions.load_competition(session, slug, caller)
    return show(
        request,
        "rejudges.html",
        slug=slug,
        title=row.title,
        filled=filled,
        verdicts=SELECTABLE,
        may_be_private=phases.fetch_private_phase(session, row.id) is not None,
        rejudges=service.list_rejudges(session, slug, caller).items,
        **({"plan": None} | values),
    )


def _show_one(
    slug: str, rejudge_id: str, request: Request, session: Session, error: RequestRefused | None = None
) -> HTMLResponse:
    comparison = service.compare(session, rejudge_id)
    if comparison.rejudge.competition != slug:
        raise NotFound("no such rejudge of this competition")
    return show(request, "rejudge.html", error=error, page=comparison, rejudge=comparison.rejudge)
