"""The first page: what this is about, what waits for the reader, and every competition with its leaders."""

import hashlib
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from api.competitions import service as competitions
from api.competitions.schemas import CompetitionView, LimitsView
from api.deps import Caller, PublicCaller, ReadingDep, SettingsDep
from api.leaderboard import service as leaderboard
from api.leaderboard.current import find_current_view
from api.leaderboard.schemas import OwnPlace
from api.leaderboard.service import Leader
from api.pages.charts.explaining import WIDTH, draw_bell, draw_laws
from api.pages.kit.showing import show
from api.pages.kit.strip import find_own_place
from api.submissions import service as submissions
from api.submissions.schemas import SubmissionView
from core.db.models.contests import Competition, TeamInvite
from core.db.queries import teams
from core.domain.competition import CompetitionState
from core.domain.phases import PhaseKind
from core.settings import Settings

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
LEADERS = 3
NEWEST = 20  # of one's own submissions, among which those that run are looked for
HUES = 6


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture that nobody has to draw: two laws of its own for every competition."""

    hue: int
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class HomeCard:
    competition: CompetitionView
    cover: Cover
    leaders: list[Leader]
    entries: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class OwnStanding:
    """In one competition that the reader takes part in, or is asked to."""

    competition: CompetitionView
    place: OwnPlace | None
    limits: LimitsView
    invites: list[TeamInvite]


@dataclass(frozen=True, slots=True)
class OwnThings:
    running: list[SubmissionView]
    standings: list[OwnStanding]  # the nearest deadline first


@router.get("/", name="home")
def show_home(request: Request, caller: PublicCaller, session: ReadingDep, settings: SettingsDep) -> HTMLResponse:
    cards, own = load_home(session, settings, caller)
    return show(request, "home.html", cards=cards, own=own, laws=draw_laws())


def load_home(session: Session, settings: Settings, caller: Caller) -> tuple[list[HomeCard], OwnThings | None]:
    rows = [row for row in competitions.list_visible(session, caller) if row.state != CompetitionState.ARCHIVED]
    cards = [_make_card(session, settings, row, caller) for row in rows]
    return cards, _load_own(session, settings, list(zip(rows, cards, strict=True)), caller) if caller.user_id else None


def draw_cover(slug: str) -> Cover:
    """Always the same for the same name."""
    digest = hashlib.sha256(slug.encode()).digest()
    places = (WIDTH * (0.2 + 0.6 * byte / 255) for byte in digest[1:3])
    first, second = (draw_bell(place) for place in places)
    return Cover(digest[0] % HUES, first, second)


def _make_card(session: Session, settings: Settings, row: Competition, caller: Caller) -> HomeCard:
    board = find_current_view(session, row, caller)
    return HomeCard(
        competition=competitions.make_view(session, settings, row, caller),
        cover=draw_cover(row.slug),
        leaders=leaderboard.find_leaders(session, board, LEADERS),
        entries=leaderboard.count_ranked(session, board),
        is_final=board.phase is PhaseKind.PRIVATE,
    )


def _load_own(
    session: Session, settings: Settings, shown: list[tuple[Competition, HomeCard]], caller: Caller
) -> OwnThings:
    newest = submissions.list_own(session, caller, limit=NEWEST, cursor=None).items
    found = []
    for row, card in shown:
        place = find_own_place(session, row, caller)
        invites = teams.fetch_invites_to(session, row.id, caller.member_id)
        if place is not None or invites:
            limits = competitions.make_limits(session, settings, row, caller)
            found.append(OwnStanding(card.competition, place, limits, invites))
    far = max((each.competition.created_at for each in found), default=None)
    found.sort(key=lambda each: (each.competition.closes_at is None, each.competition.closes_at or far))
    return OwnThings([each for each in newest if each.verdict is None], found)
