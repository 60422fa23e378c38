"""Flags a person should look at, and what came of it: no other score or verdict, but a rank where it was held."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.paging import cut_page
from api.review.schemas import FlagDecisionRequest, FlagDecisionView, FlaggedEntry, FlagPage, ReviewedFlag
from core.db.base import utc_now
from core.db.models.review import FlagDecision
from core.db.models.submissions import Evaluation
from core.db.queries import audit, boards, evaluations, review
from core.domain.errors import NotFound
from core.domain.history import Cause
from core.domain.review import FlagState
from core.scorecard import RaisedFlag

FLAG_PAGE = 50


def list_flags(
    session: Session, *, slug: str | None, state: FlagState, before: str | None, limit: int = FLAG_PAGE
) -> FlagPage:
    competition_id = load_competition(session, slug).id if slug else None
    rows = review.fetch_flagged(
        session, competition_id=competition_id, state=state, limit=limit + 1, before=before or None
    )
    page = cut_page(rows, limit, lambda row: row[0].id)
    decisions = review.fetch_decisions(session, [evaluation.id for evaluation, _ in page.rows])
    items = [_make_entry(evaluation, flags, decisions) for evaluation, flags in page.rows]
    return FlagPage(items=items, next_before=page.next)


def decide(
    session: Session, evaluation_id: str, code: str, request: FlagDecisionRequest, caller: Caller
) -> ReviewedFlag:
    """Write down what a person found; deciding again replaces the decision, and the audit log keeps both."""
    evaluation = evaluations.lock_evaluation(session, evaluation_id)
    flag = next((flag for flag in review.fetch_flags(session, evaluation_id) if flag.code == code), None)
    if evaluation is None or not evaluation.counts or flag is None:
        raise NotFound("no such flag of an evaluation that counts")
    row = review.fetch_decisions(session, [evaluation_id]).get((evaluation_id, code))
    row = row or FlagDecision(evaluation_id=evaluation_id, code=code)
    row.decision, row.reason = request.decision, request.reason
    row.decided_by, row.decided_at = caller.name, utc_now()
    review.store_decision(session, row)
    review.settle_hold(session, evaluation)
    boards.refresh_everywhere(session, evaluation.submission_id, Cause.FLAG_DECIDED)
    detail = {"flag": code, "decision": row.decision, "reason": row.reason, "submission": evaluation.submission_id}
    audit.record(session, actor=caller.name, action="flag.decide", subject=f"evaluation/{evaluation_id}", detail=detail)
    return _make_flag(flag, row)


def _make_entry(
    evaluation: Evaluation, flags: Sequence[RaisedFlag], decisions: Mapping[tuple[str, str], FlagDecision]
) -> FlaggedEntry:
    submission = evaluation.submission
    return FlaggedEntry(
        evaluation_id=evaluation.id,
        submission_id=submission.id,
        competition=submission.competition.slug,
        by=submission.team.name if submission.team else submission.user.name,
        filename=submission.filename,
        purpose=submission.purpose,
        score=evaluation.score,
        is_disqualified=submission.disqualified_at is not None,
        is_held=submission.is_held,
        flags=[_make_flag(flag, decisions.get((evaluation.id, flag.code))) for flag in flags],
    )


def _make_flag(flag: RaisedFlag, decision: FlagDecision | None) -> ReviewedFlag:
    return ReviewedFlag(
        code=flag.code,
        severity=flag.severity,
        value=flag.value,
        threshold=flag.threshold,
        detail=flag.detail or "",
        decision=FlagDecisionView.model_validate(decision) if decision is not None else None,
    )
