"""The final board: a preview for staff until it is published; from then on everybody's, with what changed since."""

from datetime import datetime

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.leaderboard import current
from api.leaderboard.schemas import Leaderboard
from api.leaderboard.service import EVERY_LINE, make_leaderboard
from api.leaderboard.views import BoardView


def find_final_view(session: Session, slug: str, caller: Caller, *, as_of: datetime | None = None) -> BoardView:
    return current.find_final_view(session, load_competition(session, slug, caller), caller, as_of=as_of)


def make_final_board(session: Session, view: BoardView) -> Leaderboard:
    """All of it: finalists are few, and publishing writes down every rank."""
    return make_leaderboard(session, view, limit=EVERY_LINE)
