"""The private phase: start it when the contest has ended, look at what comes out, publish it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.competitions.service import get_exposure, load_competition
from api.deps import Caller
from api.finals.board import make_final_board
from api.finals.schemas import (
    Finalist,
    PhaseList,
    PhaseView,
    PrivateView,
    ProposalRequest,
    ProposalView,
    Publication,
)
from api.finals.selection import find_finalists
from api.leaderboard.current import find_phase_view
from core.db.base import utc_now
from core.db.board import read_entry
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.submissions import Evaluation
from core.db.queries import audit, boards, competitions, deliveries, evaluations, phases, pools, rejudges
from core.domain.competition import ENDED
from core.domain.errors import Conflict, NotFound
from core.domain.exposure import Exposure
from core.domain.history import Cause
from core.domain.phases import Candidate, PhaseKind, PhaseState, Proposal, check_approval, check_seen
from core.domain.submission import Verdict
from core.lifecycle import open_evaluation

TWO = 2  # people it takes to publish, where one is not enough
AGAIN = (Verdict.PLATFORM_ERROR, Verdict.WITHDRAWN)  # what ended so may run once more


@dataclass(frozen=True, slots=True)
class Entrants:
    """All who run in the private phase."""

    finalists: list[Finalist]
    failed: int  # on our side, and not run again yet

    @property
    def unfinished(self) -> int:
        return sum(each.verdict is None for each in self.finalists)


def list_phases(session: Session, slug: str, caller: Caller) -> PhaseList:
    """Nothing of the private one but where it is: not even a digest, which guesses could be compared with."""
    competition = load_competition(session, slug, caller)
    state = competition.state_at(utc_now())
    public = PhaseView(kind=PhaseKind.PUBLIC, state=state, exposure=get_exposure(competition), published_at=None)
    return PhaseList(items=[public, *(_make_phase(phase) for phase in phases.fetch_phases(session, competition.id))])


def find_private(session: Session, slug: str, caller: Caller) -> PhaseView:
    found = [each for each in list_phases(session, slug, caller).items if each.kind is PhaseKind.PRIVATE]
    if not found:
        raise NotFound(f"{slug} has no private phase")
    return found[0]


def _make_phase(phase: Phase) -> PhaseView:
    exposure = Exposure(phase.kind)  # a phase beside the public one is called like its exposure
    return PhaseView(kind=phase.kind, state=phase.state, exposure=exposure, published_at=phase.published_at)


def load_private(session: Session, slug: str, caller: Caller) -> PrivateView:
    competition = load_competition(session, slug, caller)
    return make_view(session, competition, _load_phase(session, competition))


def make_view(session: Session, competition: Competition, phase: Phase) -> PrivateView:
    entrants = _find_entrants(session, competition, phase)
    board = make_final_board(session, find_phase_view(session, competition, phase))
    return PrivateView(
        state=phase.state,
        fault=phase.fault,
        spec_digest=phase.spec.digest,
        started_at=phase.started_at,
        published_at=phase.published_at,
        finalists=entrants.finalists,
        unfinished=entrants.unfinished,
        failed=entrants.failed,
        rejudges=rejudges.count_of_spec(session, phase.spec_id),
        board=board,
        publish_approvals=competition.publish_approvals,
        proposal=_make_proposal(phase, board.digest) if phase.state == PhaseState.SCORING else None,
    )


def start(session: Session, slug: str, reason: str, caller: Caller) -> PrivateView:
    """Score the finalists under the private spec; doing it again runs what is missing or failed on our side."""
    competition, phase = _lock(session, slug, caller)
    _check_startable(session, competition, phase)
    ran = phases.fetch_private_evaluations(session, phase)
    finalists = find_finalists(session, competition)
    attempts = [(each, ran.get(each.entry.submission_id)) for each in finalists]
    missing = [each for each, attempt in attempts if attempt is None or _is_owed(attempt)]
    if not missing:
        raise Conflict(
            "there is nothing to start: every finalist runs or has run" if finalists else "nobody has scored"
        )
    for finalist in missing:
        submission = evaluations.fetch_submission(session, finalist.entry.submission_id)
        if submission is not None:
            open_evaluation(session, submission, phase.spec, phase=PhaseKind.PRIVATE)
    pools.activate(session, phase.spec_id)
    phase.state, phase.started_at = PhaseState.SCORING, phase.started_at or utc_now()
    detail: dict[str, object] = {"submissions": [each.entry.submission_id for each in missing], "reason": reason}
    _record(session, caller, "private.start", slug, detail)
    return make_view(session, competition, phase)


def propose(session: Session, slug: str, request: ProposalRequest, caller: Caller) -> PrivateView:
    """Ask somebody else of the staff to publish the ranking that one looked at."""
    competition, phase = _lock_with_board(session, slug, caller)
    if competition.publish_approvals < TWO:
        raise Conflict("one person may publish this board: no proposal is needed")
    check_seen(request.digest, _check_complete(session, competition, phase))
    phase.proposed_by, phase.proposed_at, phase.proposed_digest = caller.name, utc_now(), request.digest
    _record(session, caller, "private.propose", slug, {"digest": request.digest, "reason": request.reason})
    return make_view(session, competition, phase)


def publish(session: Session, slug: str, request: Publication, caller: Caller) -> PrivateView:
    competition, phase = _lock_with_board(session, slug, caller)
    digest = _check_complete(session, competition, phase)
    if request.digest is not None:
        check_seen(request.digest, digest)
    proposal = _read_proposal(phase)
    if competition.publish_approvals == TWO:
        check_approval(proposal, by=caller.name, digest=request.digest, current=digest)
    boards.refresh(session, competition.id, phase.spec_id, Cause.PUBLISHED, is_event=True)
    # the moment of the change, so that everybody's history of the board begins with it
    published_at = find_phase_view(session, competition, phase).changed_at
    phase.state, phase.published_at = PhaseState.PUBLISHED, published_at
    view = make_view(session, competition, phase)
    ranks = {line.submission_id: line.rank for line in view.board.entries}
    detail: dict[str, object] = {"digest": digest, "ranks": ranks, "reason": request.reason}
    if competition.publish_approvals == TWO and proposal is not None:
        detail["proposed_by"] = proposal.by
    _record(session, caller, "private.publish", slug, detail)
    deliveries.announce_results(session, competition)
    return view


def _find_entrants(session: Session, competition: Competition, phase: Phase) -> Entrants:
    ran = phases.fetch_private_evaluations(session, phase)
    chosen = _find_chosen(session, competition, phase)
    return Entrants(
        finalists=[_make_finalist(each, ran.get(each.entry.submission_id)) for each in chosen],
        failed=sum(_is_owed(ran.get(each.entry.submission_id)) for each in chosen),
    )


def _find_chosen(session: Session, competition: Competition, phase: Phase) -> list[Candidate]:
    """Who stands, or stood: what happens to the public board after publishing makes nobody a finalist."""
    if phase.state != PhaseState.PUBLISHED:
        return find_finalists(session, competition)
    ran = boards.fetch_counting(session, competition.id, phase.spec_id)
    return [Candidate(read_entry(each), each.selected_at) for each in ran]


def _check_complete(session: Session, competition: Competition, phase: Phase) -> str:
    """The digest of the ranking, if nothing can change it any more but a decision of staff."""
    if phase.state == PhaseState.PUBLISHED:
        raise Conflict("the final board is published already")
    if phase.state != PhaseState.SCORING:
        raise Conflict("start the private scoring first")
    undecided = rejudges.fetch_undecided(session, competition.id)
    if undecided is not None and undecided.spec_id == phase.spec_id:
        raise Conflict("a rejudge of its private phase is undecided: promote or discard it first")
    entrants = _find_entrants(session, competition, phase)
    if entrants.unfinished or entrants.failed:
        raise Conflict(f"{entrants.unfinished} finalists have not ended and {entrants.failed} failed on our side")
    return find_phase_view(session, competition, phase).digest


def _read_proposal(phase: Phase) -> Proposal | None:
    if phase.proposed_by is None or phase.proposed_at is None or phase.proposed_digest is None:
        return None
    return Proposal(phase.proposed_by, phase.proposed_at, phase.proposed_digest)


def _make_proposal(phase: Phase, digest: str) -> ProposalView | None:
    found = _read_proposal(phase)
    if found is None:
        return None
    return ProposalView(by=found.by, at=found.at, digest=found.digest, is_current=found.digest == digest)


def _check_startable(session: Session, competition: Competition, phase: Phase) -> None:
    if competition.state_at(utc_now()) not in ENDED:
        raise Conflict(f"{competition.slug} has not ended: close it, or wait for its deadline")
    if phase.state == PhaseState.PREPARING:
        raise Conflict(f"its private pools are not ready: {phase.fault or 'they are being trained'}")
    if phase.state == PhaseState.PUBLISHED:
        raise Conflict("the final board is published: it stands")
    running = phases.count_live_evaluations(session, competition.id)
    if running:
        raise Conflict(f"{running} submissions are still being evaluated; a team's best are known when they have ended")


def _make_finalist(candidate: Candidate, evaluation: Evaluation | None) -> Finalist:
    shards = evaluation.shards if evaluation else []
    return Finalist(
        submission_id=candidate.entry.submission_id,
        team=candidate.entry.name,
        filename=candidate.entry.filename,
        is_selected=candidate.selected_at is not None,
        status=evaluation.status if evaluation else None,
        verdict=evaluation.verdict if evaluation else None,
        finished=sum(shard.finished_replicas for shard in shards),
        total=evaluation.replicas_total if evaluation else 0,
    )


def _is_owed(evaluation: Evaluation | None) -> bool:
    """Whether it may run once more; what was stopped with its data, and refunded, cannot."""
    if evaluation is None or evaluation.verdict not in AGAIN:
        return False
    return evaluation.verdict is Verdict.PLATFORM_ERROR or not evaluation.refunded


def _lock(session: Session, slug: str, caller: Caller) -> tuple[Competition, Phase]:
    found = load_competition(session, slug, caller)
    competition = competitions.lock_competition(session, found.id)
    return competition, _load_phase(session, competition)


def _lock_with_board(session: Session, slug: str, caller: Caller) -> tuple[Competition, Phase]:
    """What was looked at is what is published: a decision about an entry comes before the look or after the deed."""
    competition, phase = _lock(session, slug, caller)
    boards.lock_board(session, competition.id, phase.spec_id)
    return competition, phase


def _load_phase(session: Session, competition: Competition) -> Phase:
    phase = phases.fetch_private_phase(session, competition.id)
    if phase is None:
        raise NotFound(f"{competition.slug} has no private phase: its problem file names none")
    return phase


def _record(session: Session, caller: Caller, action: str, slug: str, detail: dict[str, object]) -> None:
    audit.record(session, actor=caller.name, action=action, subject=f"competition/{slug}", detail=detail)
