"""What staff of a competition do next, and deeds on many submissions at once."""

from sqlalchemy.orm import Session

from api.competitions.service import find_preparation, find_rules_version, load_competition
from api.deps import Caller
from api.organize import service
from api.organize.schemas import ManyDeeds, ManyDone, NextStepView, OneDone, SubmissionDeed
from api.submissions.service import get_evaluation
from core.db.base import utc_now
from core.db.queries import evaluations, phases, review
from core.domain.errors import NotFound, RequestRefused
from core.domain.next_step import Standing, Step, find_next, list_done
from core.domain.spreadsheet import write_csv

EXPORTED = 5000
COLUMNS = (
    "submission_id",
    "filename",
    "account",
    "team",
    "purpose",
    "submitted_at",
    "status",
    "verdict",
    "score",
    "relative_runtime",
    "disqualified_at",
    "disqualified_reason",
)
PATHS = {
    Step.PREPARE: "/competitions/{slug}/organize#state",
    Step.ACTIVATE: "/competitions/{slug}/organize#state",
    Step.OPEN: "/competitions/{slug}",
    Step.FREEZE: "/competitions/{slug}/organize#state",
    Step.CLOSE: "/competitions/{slug}/organize#state",
    Step.SCORE: "/competitions/{slug}/organize/private",
    Step.PUBLISH: "/competitions/{slug}/organize/private",
}


def find_step(session: Session, slug: str, caller: Caller) -> NextStepView:
    row = load_competition(session, slug, caller)
    preparation = find_preparation(session, row)
    private = phases.fetch_private_phase(session, row.id)
    standing = Standing(
        state=row.state_at(utc_now()),
        fault=row.fault,
        is_prepared=row.prepared_at is not None,
        opens_by_hand=row.opens_by_hand,
        closes_at=row.closes_at,
        has_rules=find_rules_version(session, row) is not None,
        private=private.state if private else None,
        running=phases.count_live_evaluations(session, row.id),
        held=review.count_held(session, row.id),
        models=(preparation.finished, preparation.total),
    )
    found = find_next(standing)
    path = PATHS[found.step].format(slug=slug) if found.step else f"/competitions/{slug}"
    return NextStepView(
        step=found.step, done=list_done(found), words=found.words, missing=list(found.missing), path=path
    )


def act_on_many(session: Session, slug: str, request: ManyDeeds, caller: Caller) -> ManyDone:
    """Each by itself: one that is refused says why, and the others are done."""
    return ManyDone(items=[_act_on_one(session, slug, each, request, caller) for each in request.submissions])


def export(session: Session, slug: str, caller: Caller, chosen: frozenset[str] = frozenset()) -> str:
    """The submissions of a competition as CSV, newest first; the chosen ones, or all."""
    competition = load_competition(session, slug, caller)
    rows = evaluations.fetch_submissions_of_competition(session, competition.id, limit=EXPORTED)
    lines = []
    for row in rows:
        if chosen and row.id not in chosen:
            continue
        evaluation = get_evaluation(row)
        lines.append(
            {
                "submission_id": row.id,
                "filename": row.filename,
                "account": row.user.name,
                "team": row.team.name if row.team else "",
                "purpose": row.purpose,
                "submitted_at": row.created_at.isoformat(),
                "status": evaluation.status,
                "verdict": evaluation.verdict or "",
                "score": evaluation.score,
                "relative_runtime": evaluation.relative_runtime,
                "disqualified_at": row.disqualified_at.isoformat() if row.disqualified_at else "",
                "disqualified_reason": row.disqualified_reason,
            }
        )
    return write_csv(lines, COLUMNS)


def _act_on_one(session: Session, slug: str, submission_id: str, request: ManyDeeds, caller: Caller) -> OneDone:
    act = service.disqualify if request.deed is SubmissionDeed.DISQUALIFY else service.reinstate
    try:
        found = evaluations.fetch_submission(session, submission_id)
        if found is None or found.competition.slug != slug:
            raise NotFound(f"no such submission of {slug}")
        act(session, submission_id, request.reason, caller)
    except RequestRefused as error:
        return OneDone(submission_id=submission_id, done=False, detail=error.message)
    return OneDone(submission_id=submission_id, done=True, detail="")
