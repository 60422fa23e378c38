"""Read, list and cancel submissions; who may see how much of them."""

from dataclasses import replace
from typing import TypeGuard

from sqlalchemy.orm import Session

from api.deps import Caller
from api.finals.results import find_results
from api.finals.schemas import FinalResult
from api.leaderboard.schemas import Interval
from api.paging import cut_page, decode_cursor, encode_cursor
from api.submissions.blur import blur_progress, blur_submission
from api.submissions.flags import make_flag_views
from api.submissions.schemas import (
    DecidedEarly,
    FlagView,
    Links,
    NoteChange,
    Progress,
    Rejudged,
    SubmissionPage,
    SubmissionView,
)
from core.db.base import utc_now
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import evaluations, phases, rejudges
from core.db.queries.waiting import find_wait
from core.domain.access import Action
from core.domain.errors import NotAllowed, NotFound
from core.domain.exposure import SUBMISSION, Reader, Sight, may_see, may_see_reason, tell_outcome
from core.domain.faults import HINTS
from core.domain.leaderboard import Purpose
from core.domain.notes import reads_note
from core.domain.phases import find_stage
from core.domain.submission import Status, Verdict, get_fault_owner
from core.lifecycle import request_cancel
from core.scorecard import ScorecardRecord
from core.showing import show_scorecard
from core.storage import BlobStore

HELD_BACK = (
    "this submission was scored, and its numbers are told after the end: on hidden data a score is told only where it"
    " is above the best one of the team by more than noise, and within the budget"
)


def load_visible(session: Session, submission_id: str, caller: Caller) -> Submission:
    """The submission, if the caller may know of it: its author, staff, and on practice problems everybody.

    What was submitted to the practice phase of a competition is its author's: it tells what a team works on.
    """
    submission = evaluations.fetch_submission(session, submission_id)
    if not _is_shown(submission) or not (is_public(submission) or is_insider(submission, caller)):
        raise NotFound("no such submission")
    return submission


def load_inside(session: Session, submission_id: str, caller: Caller) -> Submission:
    """The submission for its author and staff only, practice or not."""
    submission = evaluations.fetch_submission(session, submission_id)
    if not _is_shown(submission) or not is_insider(submission, caller):
        raise NotFound("no such submission of yours")
    return submission


def _is_shown(submission: Submission | None) -> TypeGuard[Submission]:
    """What has no attempt but hidden ones, as what calibrates a private phase, is not there."""
    return submission is not None and bool(submission.evaluations)


def is_public(submission: Submission) -> bool:
    return is_open(submission) and submission.purpose != Purpose.PRACTICE


def is_open(submission: Submission) -> bool:
    """Whether what it ran on hides nothing.

    The evaluation's own spec says so, not the competition's, which may have other phases and may change.
    """
    return get_evaluation(submission).spec.terms.is_open


def find_sight(submission: Submission, caller: Caller) -> Sight:
    """As whom the caller looks at what came out of the submission."""
    reader = Reader.AUTHOR if is_author(submission, caller) else Reader.ANYBODY
    exposure = get_evaluation(submission).spec.terms.problem.exposure
    return Sight(Reader.STAFF if is_staff(caller) else reader, exposure)


def look(session: Session, submission: Submission, caller: Caller) -> Sight:
    """The same, and whether the contest is over: how coarse its numbers are told."""
    sight = find_sight(submission, caller)
    if not sight.is_coarse:
        return sight
    private = phases.fetch_private_phase(session, submission.competition_id)
    return replace(sight, stage=find_stage(submission.competition.state, private.state if private else None))


def is_held_back(session: Session, submission: Submission, caller: Caller) -> bool:
    return get_evaluation(submission).held_back and look(session, submission, caller).is_coarse


def sees(submission: Submission, field: str, caller: Caller) -> bool:
    return may_see(SUBMISSION.get(field), find_sight(submission, caller))


def is_insider(submission: Submission, caller: Caller) -> bool:
    return is_author(submission, caller) or is_staff(caller)


def is_author(submission: Submission, caller: Caller) -> bool:
    """Who uploaded it, and whoever is in its team now."""
    members = [member.user_id for member in submission.team.members] if submission.team else []
    return caller.user_id is not None and caller.user_id in (submission.user_id, *members)


def sees_note(submission: Submission, caller: Caller) -> bool:
    is_uploader = caller.user_id == submission.user_id
    return reads_note(submission.note_readers, is_uploader=is_uploader, is_in_team=is_author(submission, caller))


def edit_note(session: Session, submission_id: str, change: NoteChange, caller: Caller) -> Submission:
    submission = load_inside(session, submission_id, caller)
    if caller.user_id != submission.user_id:
        raise NotAllowed("only who uploaded a submission may change its note")
    if change.note is not None:
        submission.note = change.note
    submission.note_readers = change.note_readers or submission.note_readers
    submission.note_edited_at = utc_now()
    return submission


def is_staff(caller: Caller) -> bool:
    return caller.may(Action.READ_ANY_SUBMISSION)


def get_evaluation(submission: Submission) -> Evaluation:
    """The newest attempt; what does not count, such as a rejudge before it is promoted, was never loaded."""
    return submission.evaluations[-1]


def make_view(session: Session, submission: Submission, caller: Caller, *, with_flags: bool = True) -> SubmissionView:
    final = find_results(session, [submission]).get(submission.id)
    flags = _find_flags(session, submission, caller) if with_flags else None
    wait = find_wait(session, get_evaluation(submission), utc_now())
    found = {"flags": flags, "waits": wait.author if wait else None}
    return _make_view(session, submission, caller, final).model_copy(update=found)


def _make_view(session: Session, submission: Submission, caller: Caller, final: FinalResult | None) -> SubmissionView:
    evaluation = get_evaluation(submission)
    verdict = evaluation.verdict
    reads = sees_note(submission, caller)
    view = SubmissionView(
        id=submission.id,
        evaluation_id=evaluation.id,
        competition=submission.competition.slug,
        user=submission.user.name,
        team=submission.team.name if submission.team else "",
        filename=submission.filename,
        source_digest=submission.source_digest,
        note=submission.note if reads else "",
        note_readers=submission.note_readers if reads else None,
        purpose=submission.purpose,
        phase=evaluation.phase,
        status=evaluation.status,
        verdict=verdict,
        fault_of=get_fault_owner(verdict) if verdict else None,
        code=evaluation.code or "",
        reason=find_reason(session, submission, evaluation, caller),
        hint=HINTS[evaluation.code] if evaluation.code else "",
        progress=make_progress(evaluation),
        decided_early=_make_decided_early(evaluation),
        rejudged=_find_rejudged(session, submission, evaluation),
        queue_position=find_queue_position(session, evaluation),
        waits=None,
        score=_make_interval(evaluation),
        relative_runtime=evaluation.relative_runtime,
        compute_budget=evaluation.spec.terms.evaluation.compute_budget,
        created_at=submission.created_at,
        started_at=evaluation.started_at,
        finished_at=evaluation.finished_at,
        published_at=submission.published_at,
        licence=submission.licence,
        is_disqualified=submission.disqualified_at is not None,
        is_held=submission.is_held,
        disqualified_reason=submission.disqualified_reason if sees(submission, "disqualified_reason", caller) else "",
        has_scorecard=evaluation.score is not None,
        is_selected=submission.selected_at is not None and sees(submission, "is_selected", caller),
        final=final,
        flags=None,
        log=evaluation.log if sees(submission, "log", caller) else None,
        links=_make_links(submission.id),
    )
    return blur_submission(view, look(session, submission, caller), is_held_back=evaluation.held_back)


def find_progress(session: Session, submission: Submission, caller: Caller) -> Progress:
    evaluation = get_evaluation(submission)
    progress = make_progress(evaluation)
    if not look(session, submission, caller).is_coarse:
        return progress
    return blur_progress(progress, is_whole=evaluation.verdict is Verdict.SCORED and not evaluation.decided_early)


def make_progress(evaluation: Evaluation) -> Progress:
    finished = sum(shard.finished_replicas for shard in evaluation.shards)
    if evaluation.decided_early:  # what ran beside the decision does not count
        finished = min(finished, evaluation.scored_replicas or finished)
    return Progress(finished=finished, total=evaluation.replicas_total)


def find_queue_position(session: Session, evaluation: Evaluation) -> int | None:
    if evaluation.status != Status.QUEUED:
        return None
    return evaluations.count_queued_before(session, evaluation) + 1


def find_reason(session: Session, submission: Submission, evaluation: Evaluation, caller: Caller) -> str:
    """The one-line reason, unless it could carry hidden data to a participant."""
    sight = look(session, submission, caller)
    return evaluation.reason if may_see_reason(tell_verdict(evaluation, sight), sight) else ""


def tell_verdict(evaluation: Evaluation, sight: Sight) -> Verdict | None:
    has_run = evaluation.started_at is not None
    return tell_outcome(evaluation.verdict, evaluation.code, has_run=has_run, sight=sight).verdict


def list_own(
    session: Session, caller: Caller, *, limit: int, cursor: str | None, competition_id: str | None = None
) -> SubmissionPage:
    before = decode_cursor(cursor) if cursor else None
    rows = evaluations.fetch_submissions_of_user(
        session, caller.member_id, limit=limit + 1, before=before, competition_id=competition_id
    )
    page = cut_page(rows, limit, lambda row: row.id)
    finals = find_results(session, page.rows)
    return SubmissionPage(
        items=[_make_view(session, row, caller, finals.get(row.id)) for row in page.rows],
        next_cursor=encode_cursor(page.next) if page.next else None,
    )


def load_scorecard(session: Session, submission_id: str, caller: Caller) -> ScorecardRecord:
    """The scorecard; on hidden problems participants get no value of a single forget example."""
    submission = load_visible(session, submission_id, caller)
    evaluation = get_evaluation(submission)
    if is_held_back(session, submission, caller):
        raise NotFound(HELD_BACK)
    card = evaluations.fetch_scorecard(session, evaluation.id)
    if card is None:
        view = make_view(session, submission, caller, with_flags=False)
        state = f"it ended {view.verdict}" if view.verdict else f"it is {view.status}"
        raise NotFound(f"this submission has no scorecard: {state}")
    return _restrict(session, submission, card.record, caller)


def load_report(session: Session, store: BlobStore, submission_id: str, caller: Caller) -> bytes:
    """The HTML file that the worker drew with the scorecard; on hidden problems it shows no single forget example."""
    digest = load_scorecard(session, submission_id, caller).report_digest
    if digest is None:
        raise NotFound("this scorecard is older than reports; it has none")
    return store.get(digest)


def cancel(session: Session, submission_id: str, caller: Caller) -> None:
    submission = load_visible(session, submission_id, caller)
    if not is_author(submission, caller) and not caller.may(Action.CANCEL_ANY):
        raise NotAllowed("only its author or an admin may cancel a submission")
    request_cancel(session, get_evaluation(submission).id)


def _restrict(session: Session, submission: Submission, record: ScorecardRecord, caller: Caller) -> ScorecardRecord:
    return show_scorecard(record, look(session, submission, caller), submission.competition.commitment_key)


def _find_flags(session: Session, submission: Submission, caller: Caller) -> list[FlagView] | None:
    card = evaluations.fetch_scorecard(session, get_evaluation(submission).id)
    if card is None or is_held_back(session, submission, caller):
        return None
    return make_flag_views(_restrict(session, submission, card.record, caller))


def _make_decided_early(evaluation: Evaluation) -> DecidedEarly | None:
    if not evaluation.decided_early or evaluation.scored_replicas is None:
        return None
    return DecidedEarly(after=evaluation.scored_replicas, of=evaluation.replicas_total)


def _find_rejudged(session: Session, submission: Submission, evaluation: Evaluation) -> Rejudged | None:
    rejudge = rejudges.fetch_rejudge(session, evaluation.rejudge_id) if evaluation.rejudge_id else None
    if rejudge is None or rejudge.decided_at is None:
        return None
    earlier = [each for each in submission.evaluations if each.created_at < evaluation.created_at]
    return Rejudged(
        at=rejudge.decided_at,
        reason=rejudge.reason,
        previous_verdict=earlier[-1].verdict if earlier else None,
        previous_score=earlier[-1].score if earlier else None,
    )


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
        report=f"{base}/report",
        examples=f"{base}/examples",
        source=f"{base}/source",
        cancel=f"{base}/cancel",
        page=f"/submissions/{submission_id}",
    )
