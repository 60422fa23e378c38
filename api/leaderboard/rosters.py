"""A board's lines found by name and put in another order; worked out once for each version of it."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.kept import Kept
from api.leaderboard.schemas import LeaderboardEntry
from api.leaderboard.service import load_entries
from api.leaderboard.views import BoardView
from core.db.queries import notes
from core.domain.leaderboard import Place

LONGEST = 5000  # lines that are searched and sorted; what stands below them is found by turning pages
KEPT = 4
Value = Callable[[LeaderboardEntry], float | None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader wants of the list; all of it empty: the board as it stands."""

    text: str = ""
    value: Value | None = None
    falls: bool = True
    place: Place | None = None

    @property
    def is_plain(self) -> bool:
        return not self.text and self.value is None and self.place is None


@dataclass(frozen=True, slots=True)
class Found:
    entries: list[LeaderboardEntry]  # of one page
    total: int
    is_whole: bool  # nothing was left unsearched


def search(session: Session, view: BoardView, wish: Wish, *, limit: int, offset: int) -> Found:
    """Lines without a value stand last; equal ones as on the board."""
    roster = _load_roster(session, view)
    found = [each for each in roster if _matches(each, wish)]
    if wish.value is not None:
        value, sign = wish.value, -1 if wish.falls else 1
        found.sort(key=lambda each: _order(value(each), sign))
    page = found[offset : offset + limit]
    noted = notes.fetch_notes(session, [each.submission_id for each in page])  # no part of a version
    shown = [each.model_copy(update={"note": noted.get(each.submission_id, "")}) for each in page]
    return Found(shown, len(found), len(roster) < LONGEST)


def forget() -> None:
    """Drop everything, as a new process would begin."""
    _rosters.forget()


def _matches(entry: LeaderboardEntry, wish: Wish) -> bool:
    if (entry.place is Place.OVER_BUDGET) != (wish.place is Place.OVER_BUDGET):
        return False
    return wish.text.casefold() in f"{entry.name} {entry.filename}".casefold()


def _order(value: float | None, sign: int) -> tuple[bool, float]:
    return (value is None, 0.0 if value is None else sign * value)


def _load_roster(session: Session, view: BoardView) -> tuple[LeaderboardEntry, ...]:
    key = (view.board_id, view.digest, view.spec_digest, view.is_coarse)
    return _rosters.get(key, lambda: tuple(load_entries(session, view, limit=LONGEST)))


_rosters: Kept[tuple[LeaderboardEntry, ...]] = Kept(KEPT)
