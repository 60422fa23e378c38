"""The first page: every competition with its leader."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from api.competitions import service as competitions
from api.competitions.schemas import CompetitionView
from api.deps import Caller, PublicCaller, ReadingDep, SettingsDep
from api.leaderboard import service as leaderboard
from api.leaderboard.current import find_current_view
from api.pages.kit.showing import show
from core.domain.competition import CompetitionState
from core.domain.phases import PhaseKind
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class HomeCard:
    competition: CompetitionView
    leader: str
    score: float
    entries: int
    is_final: bool


@router.get("/", name="home")
def show_home(request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    return show(request, "home.html", cards=load_home(session, settings, caller))


def load_home(session: Session, settings: Settings, caller: Caller) -> list[HomeCard]:
    cards = []
    for row in competitions.list_visible(session, caller):
        if row.state == CompetitionState.ARCHIVED:
            continue
        board = find_current_view(session, row, caller)
        name, score, ranked = leaderboard.find_leader(session, board)
        is_final = board.phase is PhaseKind.PRIVATE
        cards.append(HomeCard(competitions.make_view(session, settings, row, caller), name, score, ranked, is_final))
    return cards
