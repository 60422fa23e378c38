"""A problem file becomes a competition: rows first, then the message that has its pools built."""

from typing import Any

from sqlalchemy.orm import Session

from core.asked_parts import PracticePart, PrivatePart
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Problem
from core.db.queries import competitions, phases
from core.domain.competition import CompetitionState
from core.domain.errors import InvalidInput
from core.domain.exposure import Exposure
from core.domain.phases import PhaseKind, PhaseState
from core.domain.seeds import GUESSABLE, write_seed
from core.jobs import PREPARE, enqueue
from core.problem_files import find_problem
from core.problems import ProblemSpec, check_draws
from core.terms import hash_terms, write_terms


def register_competition(session: Session, spec: ProblemSpec, *, draft: bool = False) -> Competition:
    """Create or refresh the competition of a problem file; doing it again changes nothing and resumes its pools.

    draft: a new one is seen by staff alone, and nothing is trained before they let it prepare.
    """
    row = _store_spec(session, spec)
    competition = competitions.fetch_competition(session, spec.slug)
    if competition is None:
        state = CompetitionState.DRAFT if draft else CompetitionState.PREPARING
        texts = {"title": spec.title, "summary": spec.summary}
        competition = Competition(slug=spec.slug, state=state, spec_id=row.id, **texts)
        session.add(competition)
    elif competition.state_at(utc_now()) in (CompetitionState.CLOSED, CompetitionState.ARCHIVED):
        return competition  # its result stands, whatever the file says now
    elif competition.spec_id != row.id:  # the file changed: scores are ranked only within one spec
        is_draft = competition.state == CompetitionState.DRAFT
        competition.spec_id, competition.state = (
            row.id,
            CompetitionState.DRAFT if is_draft else CompetitionState.PREPARING,
        )
        competition.prepared_at = None
        competition.title, competition.summary = spec.title, spec.summary
    session.flush()
    if competition.state == CompetitionState.PREPARING:
        competition.fault = ""
        enqueue(session, PREPARE, row.problem_id)
    if (private := spec.make_private()) is not None:
        _register_phase(session, competition, PhaseKind.PRIVATE, private)
    if (practice := find_practice_problem(session, spec)) is not None:
        _register_phase(session, competition, PhaseKind.PRACTICE, practice)
    return competition


def find_practice_problem(session: Session, spec: ProblemSpec) -> ProblemSpec | None:
    """The open problem of a file's practice phase: its own request, or another problem as it is registered here.

    Whoever names the same problem shares its specs, pools and calibrations.
    """
    if spec.practice is None or spec.practice.problem is None:
        _check_stored(session, spec)
        return spec.make_practice()
    name = spec.practice.problem
    row = competitions.fetch_competition(session, name)
    found = row.spec.terms.problem if row else find_problem(name)
    if not found.exposure.is_open:
        raise InvalidInput(
            f"{spec.slug} cannot be practised on {name!r}: its exposure is '{found.exposure}', and practice shows"
            " everything; name a problem of exposure 'practice'"
        )
    return found


def _check_stored(session: Session, spec: ProblemSpec) -> None:
    """A part that the file leaves out stays as it is: it must not share a request with what the file asks for."""
    row = competitions.fetch_competition(session, spec.slug)
    if row is None:
        return
    private, practice = spec.private, spec.practice
    if private is None and (stored := phases.fetch_private_phase(session, row.id)) is not None:
        private = _read_private(stored)
    if practice is None and (stored := phases.fetch_practice_phase(session, row.id)) is not None:
        practice = _read_practice(stored) if stored.spec.terms.problem.slug == spec.slug else None
    if practice is None or spec.exposure.is_open:
        return
    try:
        check_draws(spec.model_copy(update={"private": private}), practice)
    except ValueError as error:
        raise InvalidInput(f"{spec.slug}: {error}") from None


def _read_private(phase: Phase) -> PrivatePart:
    problem = phase.spec.terms.problem
    return PrivatePart(
        forget=problem.forget, further=problem.further, split_seed=problem.split.seed, pool_seed=problem.pools.seed
    )


def _read_practice(phase: Phase) -> PracticePart:
    problem = phase.spec.terms.problem
    return PracticePart(
        forget=problem.forget, further=problem.further, split_seed=problem.split.seed, pool_seed=problem.pools.seed
    )


def find_seeds(session: Session, slug: str) -> dict[str, Any]:
    """The seeds of a competition's hidden phases where a competition file has them; it may leave them out."""
    row = competitions.fetch_competition(session, slug)
    if row is None:
        return {}
    own = (
        {}
        if row.spec.terms.is_open
        else row.spec.terms.problem.model_dump(include={"split", "forget", "further", "pools"})
    )
    phase = phases.fetch_private_phase(session, row.id)
    return own | ({"private": _read_private(phase).model_dump()} if phase else {})


def _register_phase(session: Session, competition: Competition, kind: PhaseKind, spec: ProblemSpec) -> None:
    """Add or exchange a phase; once a private one is read it stays as it is."""
    row = _store_spec(session, spec)
    phase = phases.fetch_phase(session, competition.id, kind)
    if phase is None:
        phase = phases.store_phase(session, competition.id, row.id, kind)
    elif phase.state not in (PhaseState.PREPARING, PhaseState.READY):
        return
    elif phase.spec_id != row.id:
        phase.spec_id, phase.state = row.id, PhaseState.PREPARING
    if phase.state == PhaseState.PREPARING and competition.state != CompetitionState.DRAFT:
        phase.fault = ""
        enqueue(session, PREPARE, row.problem_id)


def _store_spec(session: Session, spec: ProblemSpec) -> EvaluationSpec:
    problem = competitions.fetch_problem(session, spec.slug, spec.digest)
    if problem is None:
        _check_apart(session, spec)
        problem = Problem(slug=spec.slug, digest=spec.digest, spec=spec.model_dump(mode="json"))
        session.add(problem)
        session.flush()
    body = write_terms(spec)
    digest = hash_terms(body)
    row = competitions.fetch_spec(session, digest)
    if row is None:
        row = EvaluationSpec(digest=digest, problem_id=problem.id, body=body)
        session.add(row)
        session.flush()
    return row


def _check_apart(session: Session, spec: ProblemSpec) -> None:
    """Refuse a seed of a hidden problem that is one of a practice problem too: practice shows it."""
    is_open = spec.exposure.is_open
    for path, seed in spec.seeds.items():
        if seed < GUESSABLE:  # which no hidden problem has
            continue
        for row in competitions.fetch_problems_naming(session, str(write_seed(seed))):
            if Exposure(row.spec["exposure"]).is_open is not is_open:
                raise InvalidInput(
                    f"{spec.slug}: `{path}` is a seed of the problem {row.slug} too, and practice shows its seeds:"
                    " choose another, or leave it out where the phase is hidden"
                )
