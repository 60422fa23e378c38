"""Read, list and cancel submissions; who may see how much of them."""

import base64
import binascii
from typing import Any

from sqlalchemy.orm import Session

from api.competitions.service import PRACTICE, get_exposure
from api.deps import Caller
from api.submissions.schemas import Interval, Links, Progress, SubmissionPage, SubmissionView
from core.db.models import Evaluation, Submission
from core.db.queries import evaluations
from core.domain.access import Action
from core.domain.errors import InvalidInput, NotAllowed, NotFound
from core.domain.faults import HINTS, FaultCode
from core.domain.leaderboard import Purpose
from core.domain.submission import Status, Verdict, get_owner
from core.jobs import request_cancel

# on a hidden problem these say nothing that came out of a run
_OPEN_VERDICTS = frozenset({Verdict.REJECTED, Verdict.WITHDRAWN, Verdict.OVER_BUDGET, Verdict.PLATFORM_ERROR})
_PER_EXAMPLE_FIELDS = ("per_example", "lower", "attack")


def load_visible(session: Session, submission_id: str, caller: Caller) -> Submission:
    """The submission, if the caller may know of it: its author, staff, and on practice problems everybody."""
    submission = evaluations.fetch_submission(session, submission_id)
    if submission is None or not (is_practice(submission) or is_insider(submission, caller)):
        raise NotFound("no such submission")
    return submission


def load_inside(session: Session, submission_id: str, caller: Caller) -> Submission:
    """The submission for its author and staff only, practice or not."""
    submission = evaluations.fetch_submission(session, submission_id)
    if submission is None or not is_insider(submission, caller):
        raise NotFound("no such submission of yours")
    return submission


def is_practice(submission: Submission) -> bool:
    return get_exposure(submission.competition) == PRACTICE


def is_insider(submission: Submission, caller: Caller) -> bool:
    return submission.user_id == caller.user_id or is_staff(caller)


def is_staff(caller: Caller) -> bool:
    return caller.may(Action.READ_ANY_SUBMISSION)


def get_evaluation(submission: Submission) -> Evaluation:
    """The newest attempt is the one that counts."""
    return submission.evaluations[-1]


def make_view(session: Session, submission: Submission, caller: Caller) -> SubmissionView:
    evaluation = get_evaluation(submission)
    verdict = Verdict(evaluation.verdict) if evaluation.verdict else None
    show_log = is_practice(submission) and is_insider(submission, caller)
    return SubmissionView(
        id=submission.id,
        evaluation_id=evaluation.id,
        competition=submission.competition.slug,
        user=submission.user.name,
        filename=submission.filename,
        source_digest=submission.source_digest,
        note=submission.note,
        purpose=Purpose(submission.purpose),
        status=Status(evaluation.status),
        verdict=verdict,
        fault_of=get_owner(verdict) if verdict else None,
        code=evaluation.code,
        reason=find_reason(submission, evaluation, caller),
        hint=HINTS[FaultCode(evaluation.code)] if evaluation.code else "",
        progress=make_progress(evaluation),
        queue_position=find_queue_position(session, evaluation),
        score=_make_interval(evaluation),
        relative_runtime=evaluation.relative_runtime,
        compute_budget=submission.competition.spec.body["evaluation"]["compute_budget"],
        created_at=submission.created_at,
        started_at=evaluation.started_at,
        finished_at=evaluation.finished_at,
        has_scorecard=evaluation.score is not None,
        log=evaluation.log if show_log else None,
        links=_make_links(submission.id),
    )


def make_progress(evaluation: Evaluation) -> Progress:
    finished = sum(shard.finished_replicas for shard in evaluation.shards)
    return Progress(finished=finished, total=evaluation.replicas_total)


def find_queue_position(session: Session, evaluation: Evaluation) -> int | None:
    if evaluation.status != Status.QUEUED:
        return None
    return evaluations.count_queued_before(session, evaluation) + 1


def find_reason(submission: Submission, evaluation: Evaluation, caller: Caller) -> str:
    """The one-line reason, unless it could carry hidden data to a participant."""
    hidden = not is_practice(submission) and not is_staff(caller)
    if hidden and evaluation.verdict is not None and Verdict(evaluation.verdict) not in _OPEN_VERDICTS:
        return ""
    return evaluation.reason


def list_own(session: Session, caller: Caller, *, limit: int, cursor: str | None) -> SubmissionPage:
    before = decode_cursor(cursor) if cursor else None
    rows = evaluations.fetch_submissions_of_user(session, caller.member_id, limit=limit + 1, before=before)
    shown = rows[:limit]
    return SubmissionPage(
        items=[make_view(session, row, caller) for row in shown],
        next_cursor=encode_cursor(shown[-1].id) if len(rows) > limit else None,
    )


def load_scorecard(session: Session, submission_id: str, caller: Caller) -> dict[str, Any]:
    """The scorecard's body; on hidden problems participants get no value of a single forget example."""
    submission = load_visible(session, submission_id, caller)
    evaluation = get_evaluation(submission)
    card = evaluations.fetch_scorecard(session, evaluation.id)
    if card is None:
        state = f"it ended {evaluation.verdict}" if evaluation.verdict else f"it is {evaluation.status}"
        raise NotFound(f"this submission has no scorecard: {state}")
    if is_practice(submission) or is_staff(caller):
        return card.body
    epsilon = {name: value for name, value in card.body["epsilon"].items() if name not in _PER_EXAMPLE_FIELDS}
    return {**card.body, "epsilon": epsilon}


def cancel(session: Session, submission_id: str, caller: Caller) -> None:
    submission = load_visible(session, submission_id, caller)
    if submission.user_id != caller.user_id and not caller.may(Action.CANCEL_ANY):
        raise NotAllowed("only its author or an admin may cancel a submission")
    request_cancel(session, get_evaluation(submission).id)


def encode_cursor(submission_id: str) -> str:
    return base64.urlsafe_b64encode(submission_id.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise InvalidInput("the cursor is not one this server gave") from None


def _make_interval(evaluation: Evaluation) -> Interval | None:
    if evaluation.score is None:
        return None
    return Interval(estimate=evaluation.score, low=evaluation.score_low, high=evaluation.score_high)


def _make_links(submission_id: str) -> Links:
    base = f"/api/v1/submissions/{submission_id}"
    return Links(
        self=base,
        events=f"{base}/events",
        scorecard=f"{base}/scorecard",
        source=f"{base}/source",
        cancel=f"{base}/cancel",
        page=f"/submissions/{submission_id}",
    )
