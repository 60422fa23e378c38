"""The page of one submission; its author may cancel it, or submit for real what was practice."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy.orm import Session

from api.deps import Caller, Canceller, EngineDep, PublicCaller, ReadingDep, StoreDep, Submitter
from api.pages.charts.drawing import ScoreBar, draw_score, trust_svg
from api.pages.kit.forms import answer_form, submit_form
from api.pages.kit.reading import read_model
from api.pages.kit.showing import make_key, show
from api.submissions import service as submissions
from api.submissions.intake import IntakeDep
from api.submissions.moves import Move, list_moves
from api.submissions.promotion import promote
from api.submissions.schemas import NoteChange, SubmissionView
from core.db.queries import evaluations
from core.db.session import transaction
from core.domain.access import Action
from core.domain.errors import RequestRefused
from core.domain.phases import PhaseKind
from core.domain.submission import VERDICT_TEXT
from core.formula import describe_formula
from core.scorecard import ScorecardRecord

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
HERO_WIDTH = 560


@dataclass(frozen=True, slots=True)
class SubmissionPage:
    submission: SubmissionView
    title: str
    may_edit_note: bool
    may_cancel: bool
    may_compare: bool
    practised_on: str  # title of the open problem; empty for what was submitted for real
    may_promote: bool
    may_download: bool
    verdict_text: str
    moves: list[Move]
    scorecard: ScorecardRecord | None
    bar: ScoreBar | None
    formula: str
    epsilon_svg: Markup | None
    confidence_svg: Markup | None


@router.get("/submissions/{submission_id}", name="submission")
def show_submission(submission_id: str, request: Request, caller: PublicCaller, session: ReadingDep) -> HTMLResponse:
    return _render_submission(submission_id, request, caller, session)


@router.post("/submissions/{submission_id}/cancel")
def cancel(submission_id: str, caller: Canceller, engine: EngineDep) -> Response:
    with transaction(engine) as session:
        submissions.cancel(session, submission_id, caller)
    return RedirectResponse(f"/submissions/{submission_id}", status_code=303)


@router.post("/submissions/{submission_id}/note")
def edit_note(
    submission_id: str,
    request: Request,
    caller: Submitter,
    engine: EngineDep,
    note: Annotated[str, Form()] = "",
    note_readers: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> None:
        change = read_model(NoteChange, {"note": note, "note_readers": note_readers or None})
        submissions.edit_note(session, submission_id, change, caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _render_submission(submission_id, request, caller, session, error),
        f"/submissions/{submission_id}",
        "The note is saved.",
    )


@router.post("/submissions/{submission_id}/promote")
def submit_for_real(
    submission_id: str,
    request: Request,
    caller: Submitter,
    engine: EngineDep,
    store: StoreDep,
    intake: IntakeDep,
    key: Annotated[str | None, Form(max_length=200)] = None,
) -> Response:
    def act() -> Response:
        accepted = promote(engine, store, submission_id, caller, key=key or None, intake=intake)
        return RedirectResponse(f"/submissions/{accepted.submission_id}", status_code=303)

    return answer_form(
        engine, act, lambda session, error: _render_submission(submission_id, request, caller, session, error)
    )


def _render_submission(
    submission_id: str, request: Request, caller: Caller, session: Session, error: RequestRefused | None = None
) -> HTMLResponse:
    page = load_submission(session, submission_id, caller)
    return show(request, "submission.html", error=error, page=page, key=make_key())


def load_submission(session: Session, submission_id: str, caller: Caller) -> SubmissionPage:
    row = submissions.load_visible(session, submission_id, caller)
    evaluation = submissions.get_evaluation(row)
    view = submissions.make_view(session, row, caller)
    is_practice = view.phase is PhaseKind.PRACTICE
    card = evaluations.fetch_scorecard(session, evaluation.id) if not view.held_back else None
    scorecard = submissions.load_scorecard(session, submission_id, caller) if card else None
    # both plots show single forget examples
    plots = card if card and submissions.sees(row, "plots", caller) else None
    return SubmissionPage(
        submission=view,
        title=row.competition.title,
        may_edit_note=caller.user_id == row.user_id,
        may_cancel=not view.verdict and (submissions.is_author(row, caller) or caller.may(Action.CANCEL_ANY)),
        may_compare=card is not None and not is_practice and submissions.is_insider(row, caller),
        practised_on=evaluation.spec.terms.problem.title if is_practice else "",
        may_promote=is_practice and submissions.is_author(row, caller),
        may_download=submissions.is_insider(row, caller),
        verdict_text=VERDICT_TEXT[view.verdict] if view.verdict else "",
        moves=list_moves(session, row, caller),
        scorecard=scorecard,
        bar=_draw_hero(scorecard) if scorecard else None,
        formula=describe_formula(scorecard) if scorecard else "",
        epsilon_svg=trust_svg(plots.epsilon_svg) if plots else None,
        confidence_svg=trust_svg(plots.confidence_svg) if plots else None,
    )


def _draw_hero(scorecard: ScorecardRecord) -> ScoreBar:
    score = scorecard.score
    return draw_score(score.estimate, score.low, score.high, scorecard.ceiling.estimate, width=HERO_WIDTH)
