"""Previews: a worker says what a competition's problems are made of before their pools are trained."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from api.competitions.service import make_headroom
from api.configure.schemas import LearningView, PoolRole, Preview, PreviewList
from api.deps import Caller
from api.operations.service import count_workers
from core.db.models.problems import Problem
from core.db.queries import audit, competitions, phases
from core.domain.errors import NotFound
from core.domain.learning import Learning
from core.jobs import PREVIEW, enqueue
from core.storage import BlobStore


def load_previews(session: Session, slug: str) -> PreviewList:
    items = [_make_view(role, problem) for role, problem in _find_problems(session, slug).items()]
    return PreviewList(slug=slug, workers=count_workers(session), items=items)


def ask_for_previews(session: Session, slug: str, caller: Caller) -> PreviewList:
    """A preview that there is goes; a worker writes the next, with pictures of the forget set."""
    problems = _find_problems(session, slug)
    for problem in problems.values():
        problem.preview = None
        enqueue(session, PREVIEW, problem.id)
    detail = {"problems": list(problems)}
    audit.record(session, actor=caller.name, action="competition.preview", subject=f"competition/{slug}", detail=detail)
    session.flush()
    return load_previews(session, slug)


def load_sample(session: Session, store: BlobStore, slug: str, role: PoolRole, place: int) -> bytes:
    problem = _find_problems(session, slug).get(role)
    samples: list[dict[str, Any]] = (problem.preview or {}).get("samples", []) if problem else []
    if place >= len(samples) or not samples[place]["digest"]:
        raise NotFound("no such sample image")
    return store.get(samples[place]["digest"])


def make_learning(stored: Mapping[str, Any] | None) -> LearningView | None:
    if stored is None:
        return None
    return LearningView(**stored, doubts=list(Learning.read(stored).doubts))


def _find_problems(session: Session, slug: str) -> dict[PoolRole, Problem]:
    row = competitions.fetch_competition(session, slug)
    if row is None:
        raise NotFound(f"no competition named {slug!r}")
    private = phases.fetch_private_phase(session, row.id)
    found = {PoolRole.PUBLIC: row.spec.problem}
    return found | ({PoolRole.PRIVATE: private.spec.problem} if private else {})


def _make_view(role: PoolRole, problem: Problem) -> Preview:
    stored = problem.preview or {}
    own = {
        "role": role,
        "problem_digest": problem.digest,
        "headroom": make_headroom(stored.get("headroom")),
        "learning": make_learning(problem.learning or stored.get("learning")),
    }
    return Preview.model_validate({**stored, **own})
