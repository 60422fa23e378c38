"""Competitions over HTTP."""

from fastapi import APIRouter

from api.competitions import service
from api.competitions.schemas import CompetitionList, CompetitionView, LimitsView
from api.deps import Member, PublicCaller, ReadingDep, SettingsDep
from api.errors import describe_errors

router = APIRouter(prefix="/competitions", tags=["competitions"])
ROUTERS = (router,)


@router.get("", operation_id="list_competitions")
def list_competitions(caller: PublicCaller, session: ReadingDep) -> CompetitionList:
    return CompetitionList(items=[service.make_summary(row) for row in service.list_visible(session, caller)])


@router.get("/{slug}", operation_id="get_competition", responses=describe_errors(404))
def get_competition(slug: str, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> CompetitionView:
    """The problem card, and how far preparing it has come."""
    return service.make_view(session, settings, service.load_competition(session, slug, caller), caller)


@router.get("/{slug}/limits", operation_id="get_limits", responses=describe_errors(401, 404))
def get_limits(slug: str, caller: Member, session: ReadingDep, settings: SettingsDep) -> LimitsView:
    """What the caller may still submit today; the day is UTC's."""
    return service.make_limits(session, settings, service.load_competition(session, slug), caller)
