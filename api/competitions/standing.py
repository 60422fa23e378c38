"""What a competition no longer admits once its private phase runs."""

from sqlalchemy.orm import Session

from core.db.models.contests import Competition
from core.db.queries import phases
from core.domain.errors import Conflict
from core.domain.phases import PhaseState


def check_unread(session: Session, competition: Competition) -> None:
    """Once the private phase runs, what happens could be known: submissions are over for good."""
    phase = phases.fetch_private_phase(session, competition.id)
    if phase is not None and phase.state in (PhaseState.SCORING, PhaseState.PUBLISHED):
        raise Conflict(f"its private phase is {phase.state}: it takes no submissions any more")


def check_approvals(session: Session, competition: Competition, approvals: int) -> None:
    """Who wants to publish alone may not arrange that once there is something to publish."""
    phase = phases.fetch_private_phase(session, competition.id)
    if phase is not None and phase.state == PhaseState.SCORING and approvals < competition.publish_approvals:
        raise Conflict("its private phase is scoring: until it is published two people have to agree")
