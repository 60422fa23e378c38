"""Plan, start, compare, promote or discard a rejudge; docs/lifecycle.md has the rules."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.rejudges.schemas import (
    AffectedTeam,
    ChangeView,
    MoveView,
    RejudgeComparison,
    RejudgeList,
    RejudgePlan,
    RejudgeRequest,
    RejudgeScope,
    RejudgeView,
    StandingView,
)
from core.db.base import utc_now
from core.db.board import CountingEvaluation, read_entry
from core.db.models.contests import Competition
from core.db.models.problems import EvaluationSpec
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import audit, boards, competitions, deliveries, operations, phases, rejudges, review
from core.domain.competition import CompetitionState
from core.domain.errors import Conflict, InvalidInput, NotFound
from core.domain.history import Cause
from core.domain.leaderboard import Row, make_board
from core.domain.phases import PhaseKind, PhaseState
from core.domain.rejudge import (
    NEVER_REPLACES,
    PHASES,
    UNDECIDED,
    RejudgeState,
    Standing,
    compare_boards,
    do_overlap,
    estimate_cpu_seconds,
)
from core.domain.submission import Status, Verdict
from core.jobs import BACKGROUND, RUN_SHARD, put_off
from core.lifecycle import open_evaluation, request_cancel

_OPEN_TO_IT = frozenset({CompetitionState.OPEN, CompetitionState.FROZEN, CompetitionState.CLOSED})


def make_plan(session: Session, scope: RejudgeScope, caller: Caller) -> RejudgePlan:
    """The dry run: how many, at what cost, whose. It changes nothing."""
    competition = load_competition(session, scope.competition, caller)
    spec = _find_spec(session, competition, scope.phase)
    found = _find_affected(session, competition, scope)
    _check_whole(scope, found)
    replicas = spec.terms.evaluation.replicas
    mean = operations.fetch_mean_seconds(session, spec.id)
    runs = [affected.run for affected in found]
    cpu_seconds = estimate_cpu_seconds(runs, replicas=replicas, mean=mean[0] if mean else None)
    teams = Counter(_name(affected.submission) for affected in found)
    return RejudgePlan(
        competition=competition.slug,
        phase=scope.phase,
        spec_digest=spec.digest,
        evaluations=len(found),
        replicas=len(found) * replicas,
        cpu_seconds=cpu_seconds,
        verdicts=dict(Counter(run.verdict for run in runs)),
        teams=[AffectedTeam(team=name, submissions=count) for name, count in sorted(teams.items())],
    )


def start(session: Session, request: RejudgeRequest, caller: Caller) -> Rejudge:
    """Open a second evaluation of everything in scope; ordinary submissions go before them."""
    competition = load_competition(session, request.competition, caller)
    competitions.lock_competition(session, competition.id)
    if competition.state not in _OPEN_TO_IT:
        raise Conflict(f"{competition.slug} is {competition.state}: nothing in it can be rejudged now")
    if rejudges.fetch_undecided(session, competition.id) is not None:
        raise Conflict("a rejudge of this competition is undecided: promote or discard it first")
    spec = _find_spec(session, competition, request.phase)
    found = _find_affected(session, competition, request)
    if not found:
        raise Conflict("nothing in this scope has ended: there is nothing to rejudge", field="verdicts")
    _check_whole(request, found)
    scope = request.model_dump(mode="json", include={"phase", "verdicts", "submissions"})
    rejudge = Rejudge(
        competition_id=competition.id,
        spec_id=spec.id,
        scope=scope,
        reason=request.reason,
        started_by=caller.name,
    )
    rejudges.store_rejudge(session, rejudge)
    for affected in found:
        open_evaluation(session, affected.submission, spec, phase=request.phase, rejudge_id=rejudge.id)
    detail = {**scope, "competition": competition.slug, "evaluations": len(found), "reason": request.reason}
    _record(session, caller, "rejudge.start", rejudge, detail)
    return rejudge


def load(session: Session, rejudge_id: str) -> RejudgeView:
    return _make_view(session, _load(session, rejudge_id))


def list_rejudges(session: Session, slug: str | None, caller: Caller) -> RejudgeList:
    competition_id = load_competition(session, slug, caller).id if slug else None
    return RejudgeList(items=[_make_view(session, row) for row in rejudges.fetch_rejudges(session, competition_id)])


def compare(session: Session, rejudge_id: str) -> RejudgeComparison:
    """The board as it would be without the rejudge, and with it; every evaluation before and after."""
    rejudge = _load(session, rejudge_id)
    board = (session, rejudge.competition_id, rejudge.spec_id, _get_phase(rejudge))
    old = _make_board(rejudges.fetch_counting_as_if(*board, without=rejudge.id))
    new = _make_board(rejudges.fetch_counting_as_if(*board, with_=rejudge.id))
    replaced = rejudges.fetch_replaced(session, rejudge_id)
    return RejudgeComparison(
        rejudge=_make_view(session, rejudge),
        ranking=[MoveView.model_validate(move) for move in compare_boards(old, new)],
        evaluations=[_make_change(row, replaced) for row in rejudges.fetch_evaluations(session, rejudge_id)],
    )


def promote(session: Session, rejudge_id: str, reason: str, caller: Caller) -> Rejudge:
    """Let the new evaluations count; the old ones stay as history, and the authors are told."""
    rejudge = _lock_undecided(session, rejudge_id)
    progress = rejudges.fetch_progress(session, rejudge_id)
    if progress.finished < progress.evaluations:
        left = progress.evaluations - progress.finished
        raise Conflict(f"{left} of its {progress.evaluations} evaluations have not ended yet")
    counting = rejudges.promote(session, rejudge_id)
    for evaluation in rejudges.fetch_evaluations(session, rejudge_id):
        review.settle_hold(session, evaluation)
    boards.refresh(session, rejudge.competition_id, rejudge.spec_id, Cause.REJUDGED)
    _decide(rejudge, RejudgeState.PROMOTED, caller)
    if _may_be_told(session, rejudge):
        deliveries.announce_rejudged(session, rejudge, rejudges.fetch_replaced(session, rejudge_id))
    _record(session, caller, "rejudge.promote", rejudge, {"reason": reason, "evaluations": counting})
    return rejudge


def discard(session: Session, rejudge_id: str, reason: str, caller: Caller) -> Rejudge:
    """Leave the board as it is; what still runs is cancelled."""
    rejudge = _lock_undecided(session, rejudge_id)
    for evaluation in rejudges.fetch_evaluations(session, rejudge_id):
        if evaluation.status not in (Status.FINISHED, Status.CANCELLING):
            request_cancel(session, evaluation.id, reason="its rejudge was discarded")
    _decide(rejudge, RejudgeState.DISCARDED, caller)
    _record(session, caller, "rejudge.discard", rejudge, {"reason": reason})
    return rejudge


def pause(session: Session, rejudge_id: str, reason: str, caller: Caller) -> Rejudge:
    """What of it was not begun waits until it is resumed; what was begun ends."""
    rejudge = _lock_undecided(session, rejudge_id)
    if rejudge.state == RejudgeState.PAUSED:
        raise Conflict("this rejudge is paused already")
    rejudge.state = RejudgeState.PAUSED
    _record(session, caller, "rejudge.pause", rejudge, {"reason": reason})
    return rejudge


def resume(session: Session, rejudge_id: str, reason: str, caller: Caller) -> Rejudge:
    """Send out again what waits: workers dropped its messages meanwhile."""
    rejudge = _lock_undecided(session, rejudge_id)
    if rejudge.state != RejudgeState.PAUSED:
        raise Conflict("this rejudge is not paused")
    rejudge.state = RejudgeState.RUNNING
    for shard_id in rejudges.fetch_free_shards(session, rejudge_id):
        put_off(session, RUN_SHARD, shard_id, priority=BACKGROUND)
    _record(session, caller, "rejudge.resume", rejudge, {"reason": reason})
    return rejudge


def _find_spec(session: Session, competition: Competition, kind: PhaseKind) -> EvaluationSpec:
    """What the phase is judged under now; the private one not before its finalists run."""
    if kind not in PHASES:
        raise InvalidInput(f"a rejudge is of the public or the private phase, not of {kind}", field="phase")
    if kind is PhaseKind.PUBLIC:
        return competition.spec
    phase = phases.fetch_private_phase(session, competition.id)
    if phase is None or phase.state not in (PhaseState.SCORING, PhaseState.PUBLISHED):
        raise Conflict(f"the private phase of {competition.slug} has scored nothing yet")
    return phase.spec


def _check_whole(scope: RejudgeScope, found: Sequence[rejudges.AffectedSubmission]) -> None:
    """A single finalist's score could be drawn until it is a lucky one: all are judged anew, or what we failed."""
    is_whole = not scope.verdicts and not scope.submissions
    is_ours = all(affected.run.verdict is Verdict.PLATFORM_ERROR for affected in found)
    if scope.phase is PhaseKind.PRIVATE and not (is_whole or is_ours):
        raise InvalidInput(
            "a rejudge of finalists takes all of them, or those that ended platform_error", field="submissions"
        )


def _get_phase(rejudge: Rejudge) -> PhaseKind:
    return PhaseKind(rejudge.scope.get("phase", PhaseKind.PUBLIC))


def _may_be_told(session: Session, rejudge: Rejudge) -> bool:
    """Authors know nothing of private results before they are published."""
    if _get_phase(rejudge) is PhaseKind.PUBLIC:
        return True
    phase = phases.fetch_private_phase(session, rejudge.competition_id)
    return phase is not None and phase.state == PhaseState.PUBLISHED


def _find_affected(
    session: Session, competition: Competition, scope: RejudgeScope
) -> list[rejudges.AffectedSubmission]:
    found = rejudges.fetch_affected(
        session, competition.id, scope.phase, verdicts=scope.verdicts, submission_ids=scope.submissions
    )
    missing = set(scope.submissions) - {affected.submission.id for affected in found}
    if missing and not scope.verdicts:
        names = ", ".join(sorted(missing)[:3])
        raise NotFound(
            f"not submissions of {competition.slug} that have ended and were not withdrawn: {names}",
            field="submissions",
        )
    return found


def _load(session: Session, rejudge_id: str) -> Rejudge:
    rejudge = rejudges.fetch_rejudge(session, rejudge_id)
    if rejudge is None:
        raise NotFound("no such rejudge")
    return rejudge


def _lock_undecided(session: Session, rejudge_id: str) -> Rejudge:
    rejudge = _load(session, rejudge_id)
    competitions.lock_competition(session, rejudge.competition_id)  # the same lock as starting one
    session.refresh(rejudge, ["state"])
    if rejudge.state not in UNDECIDED:
        raise Conflict(f"this rejudge was {rejudge.state} already")
    return rejudge


def _decide(rejudge: Rejudge, state: RejudgeState, caller: Caller) -> None:
    rejudge.state, rejudge.decided_by, rejudge.decided_at = state, caller.name, utc_now()


def _make_view(session: Session, rejudge: Rejudge) -> RejudgeView:
    progress = rejudges.fetch_progress(session, rejudge.id)
    return RejudgeView(
        id=rejudge.id,
        competition=rejudge.competition.slug,
        phase=_get_phase(rejudge),
        state=rejudge.state,
        verdicts=rejudge.scope["verdicts"],
        submissions=rejudge.scope["submissions"],
        reason=rejudge.reason,
        started_by=rejudge.started_by,
        created_at=rejudge.created_at,
        decided_by=rejudge.decided_by,
        decided_at=rejudge.decided_at,
        evaluations=progress.evaluations,
        finished=progress.finished,
        is_complete=progress.finished == progress.evaluations,
        replicas=progress.replicas,
        finished_replicas=progress.finished_replicas,
        ended=progress.verdicts,
    )


def _make_board(counting: list[CountingEvaluation]) -> list[Row]:
    return make_board(read_entry(each) for each in counting)


def _make_change(evaluation: Evaluation, replaced: Mapping[str, Evaluation]) -> ChangeView:
    old = _make_standing(replaced.get(evaluation.submission_id))
    new = _make_standing(evaluation)
    return ChangeView(
        submission_id=evaluation.submission_id,
        name=_name(evaluation.submission),
        filename=evaluation.submission.filename,
        old=StandingView.model_validate(old) if old else None,
        new=StandingView.model_validate(new) if new else None,
        replaces=new is not None and new.verdict not in NEVER_REPLACES,
        overlaps=do_overlap(old, new),
    )


def _make_standing(evaluation: Evaluation | None) -> Standing | None:
    if evaluation is None or evaluation.verdict is None:
        return None
    return Standing(
        submission_id=evaluation.submission_id,
        rank=None,
        score=evaluation.score,
        low=evaluation.score_low,
        high=evaluation.score_high,
        verdict=evaluation.verdict,
    )


def _name(submission: Submission) -> str:
    return submission.team.name if submission.team else submission.user.name


def _record(session: Session, caller: Caller, action: str, rejudge: Rejudge, detail: dict[str, object]) -> None:
    audit.record(session, actor=caller.name, action=action, subject=f"rejudge/{rejudge.id}", detail=detail)
