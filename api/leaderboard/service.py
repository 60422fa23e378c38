"""Put the board together: stored lines in, ranks and tie groups beside them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from api.kept import Kept
from api.leaderboard.blur import blur_line
from api.leaderboard.schemas import BoardChange, BoardChanges, Leaderboard, LeaderboardEntry, OwnPlace
from api.leaderboard.views import BoardView, encode_cursor
from api.leaderboard.walks import find_walk
from api.paging import cut_page
from core.db.board import StoredLine, read_line
from core.db.queries import boards, notes
from core.db.queries.history import OwnTeam
from core.domain.coarse import round_figure
from core.domain.comparison import compute_replication
from core.domain.contests import describe_scope
from core.domain.leaderboard import Place, Row, rank_lines
from core.domain.owner import own_as_team
from core.domain.spreadsheet import BOARD_COLUMNS, EXCEL_MARK, write_csv

PAGE_LINES = 200
MOST_LINES = 2000
EVERY_LINE = 1 << 30
KEPT = 1024


@dataclass(frozen=True, slots=True)
class _Places:
    """Of one team on a board at a version, which counting the lines above it found."""

    entry: LeaderboardEntry | None
    over_budget: LeaderboardEntry | None
    position: int | None


_places: Kept[_Places] = Kept(KEPT)


def make_leaderboard(session: Session, view: BoardView, *, limit: int = PAGE_LINES, offset: int = 0) -> Leaderboard:
    """A stretch of the board; ranks and tie groups are those of the whole."""
    competition, terms = view.competition, view.spec.terms
    counts = count_lines(session, view)
    total, requests = sum(counts.values()), len(terms.problem.requests)
    return Leaderboard(
        competition=competition.slug,
        title=competition.title,
        phase=view.phase,
        is_practice=terms.is_open,
        protocol=terms.protocol,
        metric_version=terms.metric_version,
        spec_digest=view.spec_digest,
        compute_budget=terms.evaluation.compute_budget,
        replicas=terms.evaluation.replicas,
        originals=terms.originals_per_run,
        requests=requests,
        scope=describe_scope(
            terms.originals_per_run,
            requests,
            terms.evaluation.replicas // terms.problem.pairs,
            allows_for_others=terms.problem.pairs > 1,
        ),
        version=view.version,
        changed_at=view.changed_at,
        digest=view.digest,
        frozen=view.is_frozen,
        ceiling=view.ceiling if total else None,
        entries=load_entries(session, view, limit=limit, offset=offset),
        ranked=counts[Place.RANKED],
        total=total,
        next_cursor=encode_cursor(view, offset + limit) if offset + limit < total else None,
    )


def write_board(session: Session, view: BoardView) -> str:
    """The whole board as CSV, a stretch at a time."""
    total = sum(count_lines(session, view).values())
    parts = [EXCEL_MARK + write_csv([], BOARD_COLUMNS)]
    for offset in range(0, total, MOST_LINES):
        entries = load_entries(session, view, limit=MOST_LINES, offset=offset)
        parts.append(write_csv((entry.model_dump(mode="json") for entry in entries), BOARD_COLUMNS, header=False))
    return "".join(parts)


def load_own(session: Session, view: BoardView, team: OwnTeam | None) -> OwnPlace:
    places = _Places(None, None, None)
    if team is not None and view.board_id:
        key = (view.board_id, view.digest, team.id, view.is_coarse)
        places = _places.get(key, lambda: _find_places(session, view, team))
    return OwnPlace(
        competition=view.competition.slug,
        version=view.version,
        frozen=view.is_frozen,
        team=team.name if team else None,
        entry=places.entry,
        over_budget=places.over_budget,
        position=places.position,
        ranked=count_lines(session, view)[Place.RANKED],
    )


def list_changes(session: Session, view: BoardView, *, limit: int, before: int | None = None) -> BoardChanges:
    """Who moved when and why, newest first; nothing that the caller's board does not show."""
    upto = view.newest if before is None else min(view.newest, before - 1)
    rows = boards.fetch_changes(session, view.board_id, upto=upto, limit=limit + 1, since=view.oldest)
    page = cut_page(rows, limit, lambda row: row.version)
    return BoardChanges(items=[BoardChange.model_validate(row) for row in page.rows], next_before=page.next)


@dataclass(frozen=True, slots=True)
class Leader:
    name: str
    score: float


def find_leaders(session: Session, view: BoardView, count: int) -> list[Leader]:
    """The first ranked entries, with scores as the reader may see them."""
    if not view.board_id:
        return []
    lines = boards.fetch_ranked(session, view.board_id, view.version, 0, count)
    found = [read_line(each).entry for each in lines]
    return [
        Leader(each.name, round_figure(each.score or 0.0) if view.is_coarse else each.score or 0.0) for each in found
    ]


def count_ranked(session: Session, view: BoardView) -> int:
    return count_lines(session, view)[Place.RANKED]


def forget() -> None:
    """Drop everything, as a new process would begin."""
    _places.forget()


def count_lines(session: Session, view: BoardView) -> dict[Place, int]:
    if not view.board_id:
        return dict.fromkeys(Place, 0)
    return find_walk(view.board_id, view.version, view.digest).count(session)


def load_entries(session: Session, view: BoardView, *, limit: int, offset: int = 0) -> list[LeaderboardEntry]:
    if not view.board_id:
        return []
    stored = boards.fetch_lines(session, view.board_id, view.version, limit=limit, offset=offset)
    lines = [read_line(each) for each in stored]
    above = boards.count_ranked_among(session, view.board_id, view.version, offset)
    last = above + sum(line.place is Place.RANKED for line in lines)
    groups = find_walk(view.board_id, view.version, view.digest).settle(session, last)
    below = boards.fetch_ranked(session, view.board_id, view.version, last, 1)
    following = read_line(below[0]).entry if below else None
    rows = rank_lines(lines, groups, above=above, following=following)
    told = _tell(view, stored)
    found = notes.fetch_notes(session, [each.submission_id for each in stored])
    return [
        _make_entry(row, {**each.body, "note": found.get(each.submission_id, "")}, is_coarse=view.is_coarse)
        for row, each in zip(rows, told, strict=True)
    ]


def load_lines(session: Session, view: BoardView, *, limit: int) -> list[StoredLine]:
    """The first lines as they are stored: without ranks, tie groups and probabilities."""
    return _tell(view, boards.fetch_lines(session, view.board_id, view.version, limit=limit)) if view.board_id else []


def _tell(view: BoardView, lines: list[StoredLine]) -> list[StoredLine]:
    """What is stored is exact, and so is the order."""
    if not view.is_coarse:
        return lines
    budget = view.spec.terms.evaluation.compute_budget
    return [each._replace(body=blur_line(each.body, each.place, budget=budget)) for each in lines]


def _find_places(session: Session, view: BoardView, team: OwnTeam) -> _Places:
    ranked, over = boards.find_places(session, view.board_id, view.version, own_as_team(team.id))
    return _Places(
        entry=None if ranked is None else load_entries(session, view, limit=1, offset=ranked)[0],
        over_budget=None if over is None else load_entries(session, view, limit=1, offset=over)[0],
        position=ranked,
    )


def _make_entry(row: Row, body: dict[str, Any], *, is_coarse: bool) -> LeaderboardEntry:
    chance, again = row.truly_better_than_next, row.would_win_again
    if is_coarse and chance is not None:  # what would win again follows from what is told, and tells no more
        chance = round_figure(chance)
        again = round_figure(compute_replication(chance))
    return LeaderboardEntry(
        place=row.place,
        rank=row.rank,
        rank_label=_label_rank(row),
        tie_group=row.tie_group,
        tied_first=row.tied_first,
        tied_last=row.tied_last,
        truly_better_than_next=chance,
        would_win_again=again,
        submission_id=row.entry.submission_id,
        submitted_at=row.entry.accepted_at,
        **body,
    )


def _label_rank(row: Row) -> str:
    if row.rank is None:
        return "–"
    if row.tied_first == row.tied_last:
        return str(row.rank)
    return f"{row.tied_first}–{row.tied_last}"
