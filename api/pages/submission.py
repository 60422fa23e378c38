"""The page of one submission; its author may cancel it, or submit for real what was practice."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy.orm import Session

from api.deps import Caller, Canceller, EngineDep, PublicCaller, ReadingDep, SettingsDep, StoreDep, Submitter
from api.pages.charts.dots import Dots, draw_dots
from api.pages.charts.drawing import ScoreBar, draw_score, trust_svg
from api.pages.kit.forms import answer_form, submit_form
from api.pages.kit.reading import read_model
from api.pages.kit.showing import make_key, show
from api.submissions import publishing
from api.submissions import service as submissions
from api.submissions.following import STAGES, Failure, Standing, estimate_left, find_failure, find_standing
from api.submissions.intake import IntakeDep
from api.submissions.moves import Move, list_moves
from api.submissions.promotion import promote
from api.submissions.schemas import NoteChange, PublicationRequest, SubmissionView
from core.db.base import utc_now
from core.db.queries import evaluations
from core.db.session import reading, transaction
from core.domain.access import Action
from core.domain.competition import CompetitionState
from core.domain.contests import count_pairs, describe_noise
from core.domain.errors import RequestRefused
from core.domain.licences import Licence
from core.domain.phases import PhaseKind
from core.domain.submission import VERDICT_TEXT
from core.formula import Factor, describe_formula, list_factors
from core.scorecard import ScorecardRecord
from core.scorecard_parts import PairScores

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
    may_read_code: bool
    may_publish: bool
    may_try_again: bool
    stage: str
    seconds_left: float | None
    failure: Failure | None
    standing: Standing | None
    verdict_text: str
    moves: list[Move]
    scorecard: ScorecardRecord | None
    bar: ScoreBar | None
    formula: str
    pairs: str  # what its score is the mean of, and where its variance comes from; empty for one of each
    factors: tuple[Factor, ...]
    dots: Dots | None
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


@router.get("/submissions/{submission_id}/code", name="code")
def show_code(
    submission_id: str,
    request: Request,
    caller: PublicCaller,
    engine: EngineDep,
    store: StoreDep,
    settings: SettingsDep,
) -> HTMLResponse:
    """With numbers beside its lines; read apart, and no session is held meanwhile."""
    with reading(engine) as session:
        row = publishing.load_readable(session, submission_id, caller)
    limit = settings.upload_bytes
    files = publishing.read_code(store, filename=row.filename, digest=row.source_digest, limit_bytes=limit)
    return show(request, "code.html", submission=row, files=files)


@router.post("/submissions/{submission_id}/publish")
def publish(
    submission_id: str,
    request: Request,
    caller: Submitter,
    engine: EngineDep,
    licence: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> None:
        wanted = read_model(PublicationRequest, {"licence": licence}, "choose one of the licences")
        publishing.publish(session, submission_id, wanted.licence, caller)

    return submit_form(
        engine,
        act,
        lambda session, error: _render_submission(submission_id, request, caller, session, error),
        f"/submissions/{submission_id}",
        "The code is published.",
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
    return show(request, "submission.html", error=error, page=page, key=make_key(), licences=list(Licence))


def load_submission(session: Session, submission_id: str, caller: Caller) -> SubmissionPage:
    row = submissions.load_visible(session, submission_id, caller)
    evaluation = submissions.get_evaluation(row)
    view = submissions.make_view(session, row, caller)
    is_practice, is_inside = view.phase is PhaseKind.PRACTICE, submissions.is_insider(row, caller)
    card = evaluations.fetch_scorecard(session, evaluation.id) if not view.held_back else None
    scorecard = submissions.load_scorecard(session, submission_id, caller) if card else None
    # both plots show single forget examples
    plots = card if card and submissions.sees(row, "plots", caller) else None
    return SubmissionPage(
        submission=view,
        title=row.competition.title,
        may_edit_note=caller.user_id == row.user_id,
        may_cancel=not view.verdict and (submissions.is_author(row, caller) or caller.may(Action.CANCEL_ANY)),
        may_compare=card is not None and not is_practice and is_inside,
        practised_on=evaluation.spec.terms.problem.title if is_practice else "",
        may_promote=is_practice and submissions.is_author(row, caller),
        may_download=is_inside or row.published_at is not None,
        may_read_code=is_inside or row.published_at is not None,
        may_publish=caller.user_id == row.user_id and publishing.may_be_published(session, row),
        may_try_again=submissions.is_author(row, caller) and row.competition.state is CompetitionState.OPEN,
        stage=STAGES[view.status],
        seconds_left=estimate_left(view, utc_now()),
        failure=find_failure(view) if view.verdict else None,
        standing=find_standing(session, row, caller) if scorecard else None,
        verdict_text=VERDICT_TEXT[view.verdict] if view.verdict else "",
        moves=list_moves(session, row, caller),
        scorecard=scorecard,
        bar=_draw_hero(scorecard) if scorecard else None,
        formula=describe_formula(scorecard) if scorecard else "",
        pairs=_describe_pairs(scorecard.pairs) if scorecard and scorecard.pairs else "",
        factors=list_factors(scorecard) if scorecard else (),
        dots=draw_dots(scorecard.epsilon.per_example) if scorecard and plots and plots.examples else None,
        epsilon_svg=trust_svg(plots.epsilon_svg) if plots else None,
        confidence_svg=trust_svg(plots.confidence_svg) if plots else None,
    )


def _describe_pairs(pairs: PairScores) -> str:
    noise = {} if pairs.noise is None else pairs.noise.model_dump()
    said = describe_noise(noise, originals=pairs.originals, requests=pairs.requests)
    return (
        f"The mean over {count_pairs(pairs.originals, pairs.requests)}, each scored apart{f': {said}' if said else ''}."
    )


def _draw_hero(scorecard: ScorecardRecord) -> ScoreBar:
    score = scorecard.score
    return draw_score(score.estimate, score.low, score.high, scorecard.ceiling.estimate, width=HERO_WIDTH)
