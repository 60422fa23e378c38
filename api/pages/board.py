"""What the page of a competition shows: the lines of its board with their bars, and its charts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from api.announcements import service as announcements
from api.announcements.schemas import AnnouncementView
from api.competitions import service as competitions
from api.competitions.schemas import CompetitionView
from api.deps import Caller
from api.leaderboard import service as leaderboard
from api.leaderboard.current import find_current_view
from api.leaderboard.schemas import BoardChange, BoardChanges, Leaderboard, LeaderboardEntry, OwnPlace
from api.leaderboard.views import BoardView
from api.pages.charts.drawing import RuntimeBar, ScoreBar, draw_runtime, draw_score
from api.pages.charts.figures import Landscape, Timeline, draw_landscape, draw_timeline
from api.pages.charts.surveys import find_survey
from api.pages.kit.formats import DASH
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.queries import history, records
from core.domain.leaderboard import Place
from core.domain.phases import PhaseKind
from core.settings import Settings

SURE = 0.995
PAGE_LINES = 100
SHOWN_CHANGES = 8
OWN_DOTS = 200


@dataclass(frozen=True, slots=True)
class BoardLine:
    entry: LeaderboardEntry
    title: str
    subtitle: str
    bar: ScoreBar | None
    runtime: RuntimeBar | None
    better_than_next: str
    wins_again: str
    is_tied: bool
    opens_group: bool
    closes_group: bool


@dataclass(frozen=True, slots=True)
class BoardPages:
    """Which lines of the board a page shows, and where the pages beside it begin."""

    first: int
    last: int
    previous: int | None
    next: int | None
    own: int | None  # the page with the reader's own line


@dataclass(frozen=True, slots=True)
class Charts:
    landscape: Landscape | None
    timeline: Timeline | None


@dataclass(frozen=True, slots=True)
class CompetitionPage:
    competition: CompetitionView
    board: Leaderboard
    ceiling: ScoreBar | None
    lines: list[BoardLine]
    over_budget: list[BoardLine]
    own: OwnPlace | None
    changes: list[BoardChange]
    pages: BoardPages
    announcements: list[AnnouncementView]
    landscape: Landscape | None
    timeline: Timeline | None


@dataclass(frozen=True, slots=True)
class ChangesPage:
    competition: Competition
    changes: BoardChanges


def load_competition(
    session: Session,
    settings: Settings,
    slug: str,
    caller: Caller,
    *,
    as_of: datetime | None = None,
    phase: PhaseKind | None = None,
    offset: int = 0,
) -> CompetitionPage:
    row = competitions.load_competition(session, slug, caller)
    view = find_current_view(session, row, caller, as_of=as_of, phase=phase)
    board = leaderboard.make_leaderboard(session, view, limit=PAGE_LINES, offset=offset)
    top = board.ceiling
    lines = [_make_line(entry, board) for entry in board.entries]
    team = history.fetch_own_team(session, row.id, caller.user_id) if caller.user_id else None
    own = leaderboard.load_own(session, view, team) if team else None
    charts = _draw_charts(session, view, team, caller) if offset == 0 else Charts(None, None)
    return CompetitionPage(
        competition=competitions.make_view(session, settings, row, caller),
        board=board,
        ceiling=draw_score(top.estimate, top.low, top.high, top.estimate) if top else None,
        lines=[line for line in lines if line.entry.place is not Place.OVER_BUDGET],
        announcements=announcements.list_announcements(session, slug, caller).items,
        over_budget=[line for line in lines if line.entry.place is Place.OVER_BUDGET],
        own=own,
        changes=leaderboard.list_changes(session, view, limit=SHOWN_CHANGES).items,
        pages=_make_pages(board, offset, own),
        landscape=charts.landscape,
        timeline=charts.timeline,
    )


def _draw_charts(session: Session, view: BoardView, team: history.OwnTeam | None, caller: Caller) -> Charts:
    """Of the whole board; what came in over time is told only where the reader sees the board live."""
    row = view.competition
    survey = find_survey(session, view)
    landscape = draw_landscape(survey, own=team.name if team else caller.name)
    # every score by its time would tell those that are held back; a final board was made at once
    if not view.is_live or view.is_coarse or view.phase is PhaseKind.PRIVATE:
        return Charts(landscape, None)
    best = records.fetch_records(session, row.id, row.spec_id)
    own = _load_own_scores(session, row, team, caller)
    return Charts(landscape, draw_timeline(survey, best, own, now=utc_now()))


def load_changes(
    session: Session, slug: str, caller: Caller, before: int | None, phase: PhaseKind | None
) -> ChangesPage:
    row = competitions.load_competition(session, slug, caller)
    view = find_current_view(session, row, caller, phase=phase)
    return ChangesPage(row, leaderboard.list_changes(session, view, limit=PAGE_LINES, before=before))


def _make_pages(board: Leaderboard, offset: int, own: OwnPlace | None) -> BoardPages:
    last = offset + len(board.entries)
    position = own.position if own else None
    return BoardPages(
        first=offset + 1,
        last=last,
        previous=max(offset - PAGE_LINES, 0) if offset else None,
        next=last if last < board.total and board.entries else None,
        own=None if position is None else position // PAGE_LINES * PAGE_LINES,
    )


def _load_own_scores(
    session: Session, competition: Competition, team: history.OwnTeam | None, caller: Caller
) -> list[history.ScoredAt]:
    if caller.user_id is None:
        return []
    team_id = team.id if team else None
    return history.fetch_scores_of(
        session, competition.id, competition.spec_id, user_id=caller.user_id, team_id=team_id, limit=OWN_DOTS
    )


def _make_line(entry: LeaderboardEntry, board: Leaderboard) -> BoardLine:
    stem = entry.filename.rsplit(".", 1)[0]
    is_reference = entry.place is Place.REFERENCE
    ceiling = board.ceiling.estimate if board.ceiling else None
    tied = entry.tied_first != entry.tied_last
    return BoardLine(
        entry=entry,
        title=stem if is_reference else entry.name,
        subtitle=entry.note or (entry.name if is_reference else entry.filename),
        bar=None if entry.score is None else draw_score(entry.score, entry.score_low, entry.score_high, ceiling),
        runtime=None if entry.relative_runtime is None else draw_runtime(entry.relative_runtime, board.compute_budget),
        better_than_next=_describe_lead(entry.truly_better_than_next),
        wins_again=_describe_lead(entry.would_win_again),
        is_tied=tied,
        opens_group=tied and entry.rank == entry.tied_first,
        closes_group=tied and entry.rank == entry.tied_last,
    )


def _describe_lead(probability: float | None) -> str:
    """Never 100 %: a probability is not a proof."""
    if probability is None:
        return DASH
    return "> 99 %" if probability > SURE else f"{100 * probability:.0f} %"
