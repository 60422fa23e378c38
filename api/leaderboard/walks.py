"""What is worked out once for a board at a version: its tie groups, as far down as somebody looked, and its counts.

A board at a version never changes, so nothing here has to be forgotten for being outdated, only for being old.
"""

from threading import Lock

from sqlalchemy.orm import Session

from api.kept import Kept
from core.db.board import read_line
from core.db.queries import boards
from core.domain.leaderboard import Place, TieGroups

KEPT = 64
STRIDE = 256  # ranked lines read at once; doubled as the walk goes on
LONGEST_STRIDE = 4096


class Walk:
    """A walk down the ranked lines of one board at one version."""

    def __init__(self, board_id: str, version: int) -> None:
        self._groups: TieGroups | None = None
        self._board_id, self._version = board_id, version
        self._is_done = False
        self._counts: dict[Place, int] | None = None
        self._lock = Lock()

    def count(self, session: Session) -> dict[Place, int]:
        if self._counts is None:
            self._counts = boards.count_lines(session, self._board_id, self._version)
        return self._counts

    def settle(self, session: Session, rank: int) -> TieGroups:
        """Walk until the group of `rank` has ended, or the board has."""
        with self._lock:
            groups = self._groups = self._groups or TieGroups(self.count(session)[Place.RANKED])
            stride = STRIDE
            while not (self._is_done or groups.is_settled(rank)):
                stored = boards.fetch_ranked(session, self._board_id, self._version, groups.walked, stride)
                groups.walk(read_line(each).entry for each in stored)
                self._is_done = len(stored) < stride
                stride = min(2 * stride, LONGEST_STRIDE)
        return groups


_walks: Kept[Walk] = Kept(KEPT)


def find_walk(board_id: str, version: int, digest: str) -> Walk:
    """By the digest: after a restored backup a version may hold something else."""
    return _walks.get((board_id, digest), lambda: Walk(board_id, version))


def forget() -> None:
    """Drop everything, as a new process would begin."""
    _walks.forget()
