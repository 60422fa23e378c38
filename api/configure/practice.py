"""The `[practice]` part of a competition file: what participants practise on."""

from typing import Any

from sqlalchemy.orm import Session

from api.configure.planning import find_changes
from api.configure.schemas import Change
from core.db.models.contests import Competition
from core.db.queries import phases
from core.domain.seeds import write_seed
from core.problems import ProblemSpec
from core.registration import find_practice_problem

PREFIX = "practice."


def is_practice(change: Change) -> bool:
    return change.field.startswith(PREFIX)


def find_practice_changes(session: Session, spec: ProblemSpec, row: Competition | None) -> list[Change]:
    """What the file's practice part changes; a file without one leaves the practice phase alone."""
    asked = find_practice_problem(session, spec)
    if asked is None:
        return []
    phase = phases.fetch_practice_phase(session, row.id) if row else None
    before = _describe_practice(phase.spec.terms.problem) if phase else None
    return find_changes(before, _describe_practice(asked), PREFIX)


def _describe_practice(spec: ProblemSpec) -> dict[str, Any]:
    asked = [part.model_dump(mode="json", exclude_none=True) for part in spec.requests]
    forget: dict[str, Any] = {"forget": asked[0]} if len(asked) == 1 else {"requests": asked}
    seeds = {"split_seed": write_seed(spec.split.seed), "pool_seed": write_seed(spec.pools.seed)}
    return {"problem": spec.slug, "digest": spec.digest, **forget, **seeds}
