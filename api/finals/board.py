"""The final board: a preview for staff until it is published; from then on everybody's, with what changed since."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import ANONYMOUS, Caller
from api.leaderboard.schemas import Leaderboard
from api.leaderboard.service import EVERY_LINE, make_leaderboard
from api.leaderboard.views import BoardView, find_view
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.queries import boards, phases
from core.domain.access import Action
from core.domain.errors import NotFound
from core.domain.phases import PhaseState


def find_final_view(session: Session, slug: str, caller: Caller, *, as_of: datetime | None = None) -> BoardView:
    """Staff look back into the scoring; for all others the board begins with its publication."""
    competition = load_competition(session, slug, caller)
    phase = phases.fetch_private_phase(session, competition.id)
    is_staff = caller.may(Action.READ_ANY_SUBMISSION)
    if phase is None or not (phase.state == PhaseState.PUBLISHED or is_staff):
        raise NotFound(f"{slug} has no final board yet")
    since = None if is_staff else phase.published_at
    if as_of is not None and since is not None and as_of < since:
        raise NotFound(f"{slug} had no final board then: it was published {since.isoformat()}")
    view = find_phase_view(session, competition, phase, as_of=as_of)
    return replace(view, oldest=boards.find_version(session, view.board_id, since)) if since else view


def find_phase_view(
    session: Session, competition: Competition, phase: Phase, *, as_of: datetime | None = None
) -> BoardView:
    return find_view(session, competition, ANONYMOUS, as_of=as_of, spec=phase.spec)


def make_final_board(session: Session, view: BoardView) -> Leaderboard:
    """All of it: finalists are few, and publishing writes down every rank."""
    return make_leaderboard(session, view, limit=EVERY_LINE)
