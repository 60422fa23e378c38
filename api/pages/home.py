"""The first page: every competition with its leader."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from api.competitions import service as competitions
from api.competitions.schemas import CompetitionView
from api.deps import Caller, PublicCaller, ReadingDep, SettingsDep
from api.leaderboard import service as leaderboard
from api.leaderboard.views import find_view
from api.pages.kit.showing import show
from core.domain.competition import CompetitionState
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class HomeCard:
    competition: CompetitionView
    leader: str
    score: float
    entries: int


@router.get("/", name="home")
def show_home(request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    return show(request, "home.html", cards=load_home(session, settings, caller))


def load_home(session: Session, settings: Settings, caller: Caller) -> list[HomeCard]:
    cards = []
    for row in competitions.list_visible(session, caller):
        if row.state == CompetitionState.ARCHIVED:
            continue
        name, score, ranked = leaderboard.find_leader(session, find_view(session, row, caller))
        cards.append(HomeCard(competitions.make_view(session, settings, row, caller), name, score, ranked))
    return cards
