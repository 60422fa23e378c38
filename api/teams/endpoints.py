"""Teams over HTTP."""

from fastapi import APIRouter

from api.deps import EngineDep, Member, ReadingDep, Submitter
from api.errors import describe_errors
from api.teams import service
from api.teams.schemas import NewInvite, NewName, OwnTeam, TeamView
from core.db.models.contests import Team
from core.db.queries import teams
from core.db.session import reading, transaction

router = APIRouter(tags=["teams"])
ROUTERS = (router,)
REFUSALS = describe_errors(401, 403, 404, 409, 422)


@router.get("/competitions/{slug}/team", operation_id="get_own_team", responses=describe_errors(401, 404))
def get_own_team(slug: str, caller: Member, session: ReadingDep) -> OwnTeam:
    """The caller's team in a competition, and who invited them."""
    return service.load_own(session, slug, caller)


@router.post("/competitions/{slug}/teams", status_code=201, operation_id="create_team", responses=REFUSALS)
def create_team(slug: str, caller: Submitter, engine: EngineDep, request: NewName) -> TeamView:
    with transaction(engine) as session:
        team = service.create(session, slug, request.name, caller)
    return _answer(engine, team)


@router.patch("/teams/{team_id}", operation_id="rename_team", responses=REFUSALS)
def rename_team(team_id: str, caller: Submitter, engine: EngineDep, request: NewName) -> TeamView:
    """By its leader."""
    with transaction(engine) as session:
        team = service.rename(session, team_id, request.name, caller)
    return _answer(engine, team)


@router.post("/teams/{team_id}/invites", status_code=201, operation_id="invite_to_team", responses=REFUSALS)
def invite(team_id: str, caller: Submitter, engine: EngineDep, request: NewInvite) -> TeamView:
    """By its leader; inviting the leader of another team offers to merge the two."""
    with transaction(engine) as session:
        team = service.invite(session, team_id, request.user, caller)
    return _answer(engine, team)


@router.post("/invites/{invite_id}/accept", operation_id="accept_invite", responses=REFUSALS)
def accept(invite_id: str, caller: Submitter, engine: EngineDep) -> TeamView:
    """Join; a leader brings their whole team along, with its submissions and spent quota."""
    with transaction(engine) as session:
        team = service.accept(session, invite_id, caller)
    return _answer(engine, team)


@router.delete("/invites/{invite_id}", status_code=204, operation_id="decline_invite", responses=REFUSALS)
def decline(invite_id: str, caller: Submitter, engine: EngineDep) -> None:
    """By whom it invites, or by the leader who wrote it."""
    with transaction(engine) as session:
        service.decline(session, invite_id, caller)


@router.post("/teams/{team_id}/leave", status_code=204, operation_id="leave_team", responses=REFUSALS)
def leave(team_id: str, caller: Submitter, engine: EngineDep) -> None:
    """Submissions stay with the team; a leader who leaves is followed by the longest-standing member."""
    with transaction(engine) as session:
        service.leave(session, team_id, caller)


def _answer(engine: EngineDep, team: Team) -> TeamView:
    with reading(engine) as session:
        whole = teams.fetch_team(session, team.id)
        return service.make_view(session, whole or team)
