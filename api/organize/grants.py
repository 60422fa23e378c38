"""Submissions granted to one team on top of the limits."""

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.organize.schemas import Grant, GrantView
from core.db.queries import audit, competitions, grants, teams
from core.domain.errors import NotFound


def grant(session: Session, slug: str, request: Grant, caller: Caller) -> GrantView:
    competition = competitions.lock_competition(session, load_competition(session, slug, caller).id)
    team = teams.fetch_team_by_name(session, competition.id, request.team)
    if team is None:
        raise NotFound(
            f"no team named {request.team!r} in {slug}; people who never submitted may have no team yet", field="team"
        )
    grants.store_grant(session, team.id, request.amount, reason=request.reason, author=caller.name)
    audit.record(
        session,
        actor=caller.name,
        action="quota.grant",
        subject=f"competition/{slug}",
        detail={"team": team.name, "amount": request.amount, "reason": request.reason},
    )
    total = grants.sum_grants(session, competition.id, team.leader_id)
    return GrantView(team=team.name, amount=request.amount, reason=request.reason, granted=total)
