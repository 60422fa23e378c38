"""Which board is the leaderboard: the final one once it is published; the public one before, and behind a link."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from api.deps import ANONYMOUS, Caller
from api.leaderboard.views import BoardView, find_view
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.queries import boards, phases
from core.domain.access import Action
from core.domain.errors import NotFound
from core.domain.phases import PhaseKind, PhaseState


def find_current_view(
    session: Session,
    competition: Competition,
    caller: Caller,
    *,
    as_of: datetime | None = None,
    version: int | None = None,
    phase: PhaseKind | None = None,
) -> BoardView:
    """Of the named phase; without one of the phase that decided at that moment."""
    if phase is None:
        private = phases.fetch_private_phase(session, competition.id)
        published = private.published_at if private and private.state == PhaseState.PUBLISHED else None
        is_final = published is not None and (as_of is None or as_of >= published)
        phase = PhaseKind.PRIVATE if is_final else PhaseKind.PUBLIC
    if phase is PhaseKind.PRIVATE:
        return find_final_view(session, competition, caller, as_of=as_of, version=version)
    return find_view(session, competition, caller, as_of=as_of, version=version)


def find_final_view(
    session: Session,
    competition: Competition,
    caller: Caller,
    *,
    as_of: datetime | None = None,
    version: int | None = None,
) -> BoardView:
    """Staff look back into the scoring; for all others the board begins with its publication."""
    phase = phases.fetch_private_phase(session, competition.id)
    is_staff = caller.may(Action.READ_ANY_SUBMISSION)
    if phase is None or not (phase.state == PhaseState.PUBLISHED or is_staff):
        raise NotFound(f"{competition.slug} has no final board yet")
    since = None if is_staff else phase.published_at
    if since is None:
        return find_phase_view(session, competition, phase, as_of=as_of, version=version)
    view = find_phase_view(session, competition, phase, as_of=as_of, version=version)
    oldest = boards.find_version(session, view.board_id, since)
    if (as_of is not None and as_of < since) or view.version < oldest:
        raise NotFound(f"{competition.slug} had no final board then: it was published {since.isoformat()}")
    return replace(view, oldest=oldest)


def find_phase_view(
    session: Session,
    competition: Competition,
    phase: Phase,
    *,
    as_of: datetime | None = None,
    version: int | None = None,
) -> BoardView:
    return find_view(session, competition, ANONYMOUS, as_of=as_of, version=version, private=phase.spec)
