"""Organizing over HTTP: states, disqualification, the audit log."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, AwareDatetime

from api.competitions import service as competitions
from api.competitions.schemas import CompetitionView
from api.decisions import Decision
from api.deps import Auditor, EngineDep, Moderator, Organizer, ReadingDep, SessionDep, SettingsDep
from api.errors import describe_errors
from api.leaderboard.checking import check_boards
from api.leaderboard.schemas import BoardChecks
from api.organize import service, workspace
from api.organize.grants import grant
from api.organize.schemas import (
    AuditCheck,
    AuditPage,
    Grant,
    GrantView,
    ManyDeeds,
    ManyDone,
    NextStepView,
    SettingsChange,
    StateChange,
)
from api.organize.settings import change_settings
from api.submissions import service as submissions
from api.submissions.schemas import SubmissionView
from core.db.queries.audit import AuditChoice
from core.db.session import reading, transaction
from core.domain.moments import to_utc
from core.domain.spreadsheet import EXCEL_MARK

router = APIRouter(prefix="/admin", tags=["organizing"])
ROUTERS = (router,)
REFUSALS = describe_errors(401, 403, 404, 409, 422)
Moment = Annotated[AwareDatetime, AfterValidator(to_utc)] | None
Name = Annotated[str, Query(max_length=200)]


def read_choice(
    actor: Name = "",
    action: Name = "",
    subject: Annotated[str, Query(max_length=200, description="kind and id, such as `competition/digits`")] = "",
    since: Annotated[Moment, Query(description="with its zone: `…Z`")] = None,
    until: Annotated[Moment, Query(description="and not itself")] = None,
) -> AuditChoice:
    return AuditChoice(actor, action, subject, since, until)


ChoiceDep = Annotated[AuditChoice, Depends(read_choice)]


@router.post("/competitions/{slug}/state", operation_id="change_competition_state", responses=REFUSALS)
def change_state(
    slug: str, caller: Organizer, engine: EngineDep, settings: SettingsDep, change: StateChange
) -> CompetitionView:
    """Freeze, close, open again or archive; docs/lifecycle.md has the moves."""
    with transaction(engine) as session:
        service.change_state(session, slug, change, caller)
    with reading(engine) as session:
        return competitions.make_view(session, settings, competitions.load_competition(session, slug, caller), caller)


@router.patch("/competitions/{slug}", operation_id="change_competition_settings", responses=REFUSALS)
def change_competition_settings(
    slug: str, caller: Organizer, engine: EngineDep, settings: SettingsDep, change: SettingsChange
) -> CompetitionView:
    """Move the deadline, change limits; what is not named stays."""
    with transaction(engine) as session:
        change_settings(session, slug, change, caller)
    with reading(engine) as session:
        return competitions.make_view(session, settings, competitions.load_competition(session, slug, caller), caller)


@router.post("/competitions/{slug}/grants", status_code=201, operation_id="grant_submissions", responses=REFUSALS)
def grant_submissions(slug: str, caller: Organizer, engine: EngineDep, request: Grant) -> GrantView:
    """Give a team submissions on top of the limits: for good in all, and for today by the day."""
    with transaction(engine) as session:
        return grant(session, slug, request, caller)


@router.post("/submissions/{submission_id}/disqualify", operation_id="disqualify_submission", responses=REFUSALS)
def disqualify(submission_id: str, caller: Moderator, engine: EngineDep, decision: Decision) -> SubmissionView:
    """Take a submission off the board; those below it move up at once."""
    with transaction(engine) as session:
        service.disqualify(session, submission_id, decision.reason, caller)
    with reading(engine) as session:
        return submissions.make_view(session, submissions.load_visible(session, submission_id, caller), caller)


@router.post("/submissions/{submission_id}/reinstate", operation_id="reinstate_submission", responses=REFUSALS)
def reinstate(submission_id: str, caller: Moderator, engine: EngineDep, decision: Decision) -> SubmissionView:
    """Put a disqualified submission back."""
    with transaction(engine) as session:
        service.reinstate(session, submission_id, decision.reason, caller)
    with reading(engine) as session:
        return submissions.make_view(session, submissions.load_visible(session, submission_id, caller), caller)


@router.get("/audit", operation_id="list_audit", responses=describe_errors(401, 403, 422))
def list_audit(
    caller: Auditor,
    session: ReadingDep,
    choice: ChoiceDep,
    before: Annotated[int | None, Query(ge=1, lt=1 << 63)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = service.AUDIT_PAGE,
) -> AuditPage:
    """What staff did, newest first."""
    return service.list_audit(session, choice, before=before, limit=limit)


@router.get(
    "/audit.csv",
    operation_id="get_audit_csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **describe_errors(401, 403, 422)},
)
def get_audit_csv(caller: Auditor, session: ReadingDep, choice: ChoiceDep) -> Response:
    """All of it, or all that was chosen, as a table."""
    as_file = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(service.write_audit(session, choice), media_type="text/csv", headers=as_file)


@router.get("/competitions/{slug}/boards", operation_id="verify_boards", responses=describe_errors(401, 403, 404))
def verify_boards(slug: str, caller: Auditor, session: ReadingDep) -> BoardChecks:
    """Recompute the digests of every board of a competition, and say where one breaks."""
    return check_boards(session, slug, caller)


@router.get("/audit/verify", operation_id="verify_audit", responses=describe_errors(401, 403))
def verify_audit(caller: Auditor, session: ReadingDep) -> AuditCheck:
    """Recompute the whole chain."""
    return service.check_audit(session)


@router.get("/competitions/{slug}/next", operation_id="get_next_step", responses=describe_errors(401, 403, 404))
def get_next_step(slug: str, caller: Organizer, session: ReadingDep) -> NextStepView:
    """What the staff of a competition do next, and what is missing for it."""
    return workspace.find_step(session, slug, caller)


@router.post("/competitions/{slug}/submissions/act", operation_id="act_on_submissions", responses=REFUSALS)
def act_on_submissions(slug: str, caller: Moderator, session: SessionDep, request: ManyDeeds) -> ManyDone:
    """Disqualify or reinstate many submissions: each by itself, and each answered for."""
    return workspace.act_on_many(session, slug, request, caller)


@router.get(
    "/competitions/{slug}/submissions.csv",
    operation_id="export_submissions",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
        **describe_errors(401, 403, 404),
    },
)
def export_submissions(slug: str, caller: Moderator, session: ReadingDep) -> Response:
    """Every submission of a competition, newest first."""
    return Response(EXCEL_MARK + workspace.export(session, slug, caller), media_type="text/csv")
