"""What the pages of a board show: its lines with their bars, found and sorted as a reader asked, and its charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from api.competitions import service as competitions
from api.deps import Caller
from api.leaderboard import service as leaderboard
from api.leaderboard.current import find_current_view
from api.leaderboard.rosters import Found, Wish, search
from api.leaderboard.schemas import BoardChange, BoardChanges, Leaderboard, LeaderboardEntry, OwnPlace
from api.leaderboard.views import BoardView
from api.pages.charts.drawing import RuntimeBar, ScoreBar, draw_runtime, draw_score
from api.pages.charts.figures import Landscape, Timeline, draw_landscape, draw_timeline
from api.pages.charts.measures import (
    AXES,
    MEASURES,
    MORE,
    RUNTIME,
    SCORE,
    Measure,
    find_measure,
    format_value,
    read_value,
)
from api.pages.charts.surveys import find_survey
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.queries import history, records
from core.domain.leaderboard import Place
from core.domain.phases import PhaseKind

PAGE_LINES = 100
SHOWN_CHANGES = 8
OWN_DOTS = 200
FOLDED = 50  # lines over the budget below a board that nobody searched
TOP_LINES = 10


@dataclass(frozen=True, slots=True)
class Ask:
    """What a reader wants to see of a board; each field is a part of the page's address."""

    as_of: datetime | None = None
    phase: PhaseKind | None = None
    offset: int = 0
    text: str = ""
    sort: str = ""  # of a measure; a minus before it turns it round
    place: Place | None = None
    has_all_columns: bool = False
    across: str = RUNTIME.key
    up: str = SCORE.key


@dataclass(frozen=True, slots=True)
class BoardLine:
    entry: LeaderboardEntry
    title: str
    subtitle: str
    bar: ScoreBar | None
    runtime: RuntimeBar | None
    more: list[str]
    is_own: bool
    is_tied: bool
    opens_group: bool
    closes_group: bool


@dataclass(frozen=True, slots=True)
class BoardPages:
    """Which lines of the list a page shows, and where the pages beside it begin."""

    first: int
    last: int
    total: int
    previous: int | None
    next: int | None
    own: int | None  # the page with the reader's own line


@dataclass(frozen=True, slots=True)
class Charts:
    landscape: Landscape | None = None
    timeline: Timeline | None = None


@dataclass(frozen=True, slots=True)
class BoardPage:
    board: Leaderboard
    ceiling: ScoreBar | None
    lines: list[BoardLine]
    over_budget: list[BoardLine]
    over_total: int
    pages: BoardPages
    own: OwnPlace | None
    columns: Sequence[Measure]
    ceiling_more: list[str]
    is_whole: bool  # no line was left unsearched
    is_as_ranked: bool
    changes: list[BoardChange]
    charts: Charts = field(default_factory=Charts)


@dataclass(frozen=True, slots=True)
class ChangesPage:
    competition: Competition
    changes: BoardChanges


def load_board(session: Session, row: Competition, caller: Caller, ask: Ask) -> BoardPage:
    view = find_current_view(session, row, caller, as_of=ask.as_of, phase=ask.phase)
    wish = _read_wish(ask)
    board = leaderboard.make_leaderboard(session, view, limit=PAGE_LINES if wish.is_plain else 0, offset=ask.offset)
    team = history.fetch_own_team(session, row.id, caller.user_id) if caller.user_id else None
    own = leaderboard.load_own(session, view, team) if team else None
    columns = MORE if ask.has_all_columns else ()
    found = _find_lines(session, view, board, wish, ask)
    over = _find_over_budget(session, view, board, wish)

    def make_lines(entries: Sequence[LeaderboardEntry]) -> list[BoardLine]:
        return [_make_line(each, board, columns, own, is_as_ranked=wish.is_plain) for each in entries]

    top = board.ceiling
    return BoardPage(
        board=board,
        ceiling=draw_score(top.estimate, top.low, top.high, top.estimate) if top else None,
        lines=make_lines(found.entries),
        over_budget=make_lines(over.entries),
        over_total=over.total,
        pages=_make_pages(found, ask.offset, own if wish.is_plain else None),
        own=own,
        columns=columns,
        ceiling_more=[_describe_ceiling(top.model_dump(), each) for each in columns] if top else [],
        is_whole=found.is_whole,
        is_as_ranked=wish.is_plain,
        changes=leaderboard.list_changes(session, view, limit=SHOWN_CHANGES).items,
        charts=_draw_charts(session, view, team, caller, ask) if ask.offset == 0 and wish.is_plain else Charts(),
    )


def load_top(session: Session, row: Competition, caller: Caller) -> BoardPage:
    """The first lines alone, for the page that leads to the board."""
    view = find_current_view(session, row, caller)
    board = leaderboard.make_leaderboard(session, view, limit=TOP_LINES)
    team = history.fetch_own_team(session, row.id, caller.user_id) if caller.user_id else None
    own = leaderboard.load_own(session, view, team) if team else None
    entries = [each for each in board.entries if each.place is not Place.OVER_BUDGET]
    counts = leaderboard.count_lines(session, view)
    top = board.ceiling
    return BoardPage(
        board=board,
        ceiling=draw_score(top.estimate, top.low, top.high, top.estimate) if top else None,
        lines=[_make_line(each, board, (), own, is_as_ranked=True) for each in entries],
        over_budget=[],
        over_total=counts[Place.OVER_BUDGET],
        pages=_make_pages(Found(entries, board.total - counts[Place.OVER_BUDGET], is_whole=True), 0, None),
        own=own,
        columns=(),
        ceiling_more=[],
        is_whole=True,
        is_as_ranked=True,
        changes=leaderboard.list_changes(session, view, limit=3).items,
    )


def load_changes(
    session: Session, slug: str, caller: Caller, before: int | None, phase: PhaseKind | None
) -> ChangesPage:
    row = competitions.load_competition(session, slug, caller)
    view = find_current_view(session, row, caller, phase=phase)
    return ChangesPage(row, leaderboard.list_changes(session, view, limit=PAGE_LINES, before=before))


def _read_wish(ask: Ask) -> Wish:
    if not ask.sort:
        return Wish(ask.text, place=ask.place)
    measure = find_measure(ask.sort.removeprefix("-"), MEASURES)
    is_turned = ask.sort.startswith("-")
    return Wish(
        ask.text,
        value=lambda entry: read_value(measure, {measure.key: getattr(entry, measure.key)}),
        falls=measure.falls != is_turned,
        place=ask.place,
    )


def _find_lines(session: Session, view: BoardView, board: Leaderboard, wish: Wish, ask: Ask) -> Found:
    """What is over the budget stands below the others, in a list of its own."""
    if not wish.is_plain:
        return search(session, view, wish, limit=PAGE_LINES, offset=ask.offset)
    entries = [each for each in board.entries if each.place is not Place.OVER_BUDGET]
    return Found(entries, board.total - leaderboard.count_lines(session, view)[Place.OVER_BUDGET], is_whole=True)


def _find_over_budget(session: Session, view: BoardView, board: Leaderboard, wish: Wish) -> Found:
    total = leaderboard.count_lines(session, view)[Place.OVER_BUDGET]
    if wish.place is not None or not total:
        return Found([], 0, is_whole=True)
    if wish.text:
        return search(session, view, Wish(wish.text, place=Place.OVER_BUDGET), limit=FOLDED, offset=0)
    entries = leaderboard.load_entries(session, view, limit=FOLDED, offset=board.total - total)
    return Found(entries, total, is_whole=True)


def _draw_charts(session: Session, view: BoardView, team: history.OwnTeam | None, caller: Caller, ask: Ask) -> Charts:
    """Of the whole board; what came in over time is told only where the reader sees the board live."""
    row = view.competition
    across, up = find_measure(ask.across, AXES), find_measure(ask.up, AXES)
    chosen = find_survey(session, view, across=across, up=up)
    landscape = draw_landscape(chosen, own=team.name if team else caller.name)
    # every score by its time would tell those that are held back; a final board was made at once
    if not view.is_live or view.is_coarse or view.phase is PhaseKind.PRIVATE:
        return Charts(landscape, None)
    best = records.fetch_records(session, row.id, row.spec_id)
    own = _load_own_scores(session, row, team, caller)
    return Charts(landscape, draw_timeline(find_survey(session, view), best, own, now=utc_now()))


def _make_pages(found: Found, offset: int, own: OwnPlace | None) -> BoardPages:
    last = offset + len(found.entries)
    position = own.position if own else None
    return BoardPages(
        first=offset + 1,
        last=last,
        total=found.total,
        previous=max(offset - PAGE_LINES, 0) if offset else None,
        next=last if last < found.total and found.entries else None,
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


def _make_line(
    entry: LeaderboardEntry,
    board: Leaderboard,
    columns: Sequence[Measure],
    own: OwnPlace | None,
    *,
    is_as_ranked: bool,
) -> BoardLine:
    stem = entry.filename.rsplit(".", 1)[0]
    is_reference = entry.place is Place.REFERENCE
    ceiling = board.ceiling.estimate if board.ceiling else None
    tied = entry.tied_first != entry.tied_last
    mine = {each.submission_id for each in (own.entry, own.over_budget) if each} if own else set()
    return BoardLine(
        entry=entry,
        title=stem if is_reference else entry.name,
        subtitle=entry.note or (entry.name if is_reference else entry.filename),
        bar=None if entry.score is None else draw_score(entry.score, entry.score_low, entry.score_high, ceiling),
        runtime=None if entry.relative_runtime is None else draw_runtime(entry.relative_runtime, board.compute_budget),
        more=[format_value(each, getattr(entry, each.key)) for each in columns],
        is_own=entry.submission_id in mine,
        is_tied=tied,
        opens_group=tied and is_as_ranked and entry.rank == entry.tied_first,
        closes_group=tied and is_as_ranked and entry.rank == entry.tied_last,
    )


def _describe_ceiling(ceiling: Mapping[str, float | None], measure: Measure) -> str:
    names = {"score_corrected": "corrected"}
    return format_value(measure, ceiling.get(names.get(measure.key, measure.key)))
