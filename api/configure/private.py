"""The `[private]` part of a competition file: the request that stays unread until the end."""

from typing import Any

from sqlalchemy.orm import Session

from api.configure.planning import find_changes
from api.configure.schemas import Change
from core.db.models.contests import Competition
from core.db.queries import phases
from core.domain.phases import PhaseState
from core.domain.seeds import write_seed
from core.problems import ProblemSpec

PREFIX = "private."


def is_private(change: Change) -> bool:
    return change.field.startswith(PREFIX)


def find_private_changes(
    session: Session, spec: ProblemSpec, row: Competition | None
) -> tuple[list[Change], str | None]:
    """What the file's private part changes, and why it may not; a file without one leaves the private phase alone."""
    asked = spec.make_private()
    if asked is None:
        return [], None
    phase = phases.fetch_private_phase(session, row.id) if row else None
    before = _describe_request(phase.spec.terms.problem) if phase else None
    changes = find_changes(before, _describe_request(asked), PREFIX)
    if phase is None or not changes or phase.state in (PhaseState.PREPARING, PhaseState.READY):
        return changes, None
    return changes, f"the private phase of {spec.slug} is {phase.state}: its request can no longer be changed"


def describe_for_audit(change: Change) -> list[Any]:
    """Organizers read the audit log; the private request is for admins until it is scored."""
    return ["hidden", "hidden"] if is_private(change) else [change.before, change.after]


def _describe_request(spec: ProblemSpec) -> dict[str, Any]:
    asked = [part.model_dump(mode="json", exclude_none=True) for part in spec.requests]
    forget: dict[str, Any] = {"forget": asked[0]} if len(asked) == 1 else {"requests": asked}
    return {**forget, "split_seed": write_seed(spec.split.seed), "pool_seed": write_seed(spec.pools.seed)}
