"""What a competition no longer admits once its private phase runs."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from core.db.models.contests import Competition
from core.db.queries import phases
from core.domain.competition_settings import SETTINGS, Lock
from core.domain.errors import Conflict
from core.domain.phases import PhaseState


def check_unread(session: Session, competition: Competition) -> None:
    """Once the private phase runs, what happens could be known: submissions are over for good."""
    phase = phases.fetch_private_phase(session, competition.id)
    if phase is not None and phase.state in (PhaseState.SCORING, PhaseState.PUBLISHED):
        raise Conflict(f"its private phase is {phase.state}: it takes no submissions any more")


def check_locks(session: Session, competition: Competition, changed: Mapping[str, Any]) -> None:
    """Refuse new values of settings that stand already. changed: those that differ, by name."""
    for setting in SETTINGS:
        if setting.name not in changed:
            continue
        if setting.lock is Lock.ONCE_SCORED:
            check_unread(session, competition)
        elif setting.lock is Lock.NOT_LESS and changed[setting.name] < getattr(competition, setting.name):
            _check_unscored(session, competition)


def _check_unscored(session: Session, competition: Competition) -> None:
    """Who wants to publish alone may not arrange that once there is something to publish."""
    phase = phases.fetch_private_phase(session, competition.id)
    if phase is not None and phase.state == PhaseState.SCORING:
        raise Conflict("its private phase is being scored: two people have to agree until the board is published")
