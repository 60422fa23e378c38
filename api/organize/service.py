"""What organizers do to a competition and its submissions; every deed is recorded in the transaction that does it."""

import json

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.competitions.standing import check_unread
from api.deps import Caller
from api.organize.schemas import AuditCheck, AuditPage, AuditView, StateChange
from api.paging import cut_page
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.submissions import Submission
from core.db.queries import audit, boards, competitions, evaluations, phases, pools
from core.db.queries.audit import AuditChoice
from core.domain.audit import find_break
from core.domain.competition import CompetitionState, check_move
from core.domain.errors import Conflict, NotFound
from core.domain.history import Cause
from core.domain.leaderboard import Purpose
from core.domain.spreadsheet import write_csv
from core.jobs import PREPARE, enqueue

AUDIT_COLUMNS = ("id", "at", "actor", "action", "subject", "sentence", "detail", "previous_sha256", "sha256")
AUDIT_PAGE = 100


def change_state(session: Session, slug: str, change: StateChange, caller: Caller) -> Competition:
    row = competitions.lock_competition(session, load_competition(session, slug, caller).id)
    now = utc_now()
    current = row.state_at(now)
    check_move(current, change.state)
    if change.state is CompetitionState.OPEN and row.closes_at is not None and now >= row.closes_at:
        raise Conflict("its deadline has passed: move the deadline first", field="state")
    if change.state is CompetitionState.OPEN:
        check_unread(session, row)
        _check_prepared(session, row)
    audit.record(
        session,
        actor=caller.name,
        action="competition.state",
        subject=f"competition/{row.slug}",
        detail={"from": current, "to": change.state, "reason": change.reason},
    )
    row.state = change.state
    if change.state is CompetitionState.OPEN:
        pools.activate(session, row.spec_id)
    boards.set_frozen(session, row, frozen=change.state is CompetitionState.FROZEN)
    if change.state is CompetitionState.PREPARING:
        beside = [phase.spec for phase in phases.fetch_phases(session, row.id)]
        for spec in (load_competition(session, slug, caller).spec, *beside):
            enqueue(session, PREPARE, spec.problem_id)
    return load_competition(session, slug, caller)


def _check_prepared(session: Session, row: Competition) -> None:
    if row.state == CompetitionState.PREPARING and row.prepared_at is None:
        raise Conflict(
            f"{row.slug} is not prepared: its pools must be sealed and retraining measured first", field="state"
        )
    if pools.has_retired(session, row.spec_id):
        raise Conflict(f"the pools of {row.slug} are retired: nothing can be scored against them", field="state")


def disqualify(session: Session, submission_id: str, reason: str, caller: Caller) -> Submission:
    submission = _load(session, submission_id)
    if submission.disqualified_at is not None:
        raise Conflict("this submission is disqualified already")
    submission.disqualified_at, submission.disqualified_reason = utc_now(), reason
    _record(session, caller, "submission.disqualify", submission, reason)
    boards.refresh_everywhere(session, submission.id, Cause.DISQUALIFIED)
    return submission


def reinstate(session: Session, submission_id: str, reason: str, caller: Caller) -> Submission:
    submission = _load(session, submission_id)
    if submission.disqualified_at is None:
        raise Conflict("this submission is not disqualified")
    submission.disqualified_at, submission.disqualified_reason = None, ""
    _record(session, caller, "submission.reinstate", submission, reason)
    boards.refresh_everywhere(session, submission.id, Cause.REINSTATED)
    return submission


def list_audit(
    session: Session, choice: AuditChoice, *, before: int | None = None, limit: int = AUDIT_PAGE
) -> AuditPage:
    rows = audit.fetch_entries(session, choice, limit=limit + 1, before=before)
    page = cut_page(rows, limit, lambda row: row.id)
    return AuditPage(items=[AuditView.model_validate(row) for row in page.rows], next_before=page.next)


def write_audit(session: Session, choice: AuditChoice) -> str:
    """All of the chosen entries as CSV."""
    rows = (AuditView.model_validate(row).model_dump(mode="json") for row in audit.fetch_entries(session, choice))
    return write_csv(({**row, "detail": json.dumps(row["detail"])} for row in rows), AUDIT_COLUMNS)


def check_audit(session: Session) -> AuditCheck:
    """Compute every digest again, from the first entry to the head."""
    links = list(audit.iter_links(session))
    head = audit.fetch_head(session)
    broken_at = find_break(links, head)
    return AuditCheck(intact=broken_at is None, entries=len(links), head=head, broken_at=broken_at)


def _load(session: Session, submission_id: str) -> Submission:
    submission = evaluations.fetch_submission(session, submission_id)
    if submission is None or submission.purpose == Purpose.CALIBRATION:
        raise NotFound("no such submission")
    if submission.purpose == Purpose.PRACTICE:
        raise Conflict("practice submissions stand on no board, so none can be disqualified")
    return submission


def _record(session: Session, caller: Caller, action: str, submission: Submission, reason: str) -> None:
    audit.record(
        session,
        actor=caller.name,
        action=action,
        subject=f"submission/{submission.id}",
        detail={"competition": submission.competition.slug, "user": submission.user.name, "reason": reason},
    )
