"""From a problem file with a practice part to a practised entry, on real pipeline code and a sandbox made of Python."""

from dataclasses import fields
from typing import Any

import pytest
from sqlalchemy import func, select

from core.db.models.boards import Board
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Pool
from core.db.models.submissions import Calibration, Evaluation, Scorecard, Submission
from core.db.queries import phases
from core.db.session import reading, transaction
from core.domain.errors import InvalidInput, PlatformFault
from core.domain.phases import PhaseKind
from core.lifecycle import open_evaluation
from core.problems import ProblemSpec
from core.registration import register_competition
from sandbox.contract import Outcome
from tests.hidden_problems import make_hidden_values
from tests.unit.worker.conftest import HONEST, Platform, make_spec
from worker.runner.base import RunRequest

OWN = {"forget": {"kind": "random", "fraction": 0.125, "seed": 61}, "split_seed": 62, "pool_seed": 63}
NAMED = {"problem": "open"}


def make_contest(slug: str = "contest", practice: dict[str, Any] = NAMED) -> ProblemSpec:
    changes = {"slug": slug, "title": slug, "practice": practice}
    return ProblemSpec.model_validate(make_hidden_values(make_spec().model_dump()) | changes)


def make_open() -> ProblemSpec:
    spec = make_spec()
    return spec.model_copy(update={"slug": "open", "split": spec.split.model_copy(update={"seed": 99})})


def fetch_phase(platform: Platform, competition: Competition) -> Phase:
    with reading(platform.engine) as session:
        phase = phases.fetch_practice_phase(session, competition.id)
    assert phase is not None
    return phase


def practise(platform: Platform, competition: Competition, source: bytes = HONEST) -> Evaluation:
    """Submit to the practice phase and run it to its end."""
    phase = fetch_phase(platform, competition)
    with transaction(platform.engine) as session:
        user_id = session.scalars(select(Submission.user_id).limit(1)).one()
        submission = Submission(
            competition_id=competition.id,
            user_id=user_id,
            filename="mine.py",
            source_digest=platform.context.store.put(source),
            purpose="practice",
        )
        session.add(submission)
        session.flush()
        evaluation_id = open_evaluation(session, submission, phase.spec, phase=PhaseKind.PRACTICE).id
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        return session.get_one(Evaluation, evaluation_id)


def fail(platform: Platform) -> None:
    platform.sandbox.outcome, platform.sandbox.error = Outcome.EXCEPTION, "ValueError: the first label is 7"


def test_practice_is_scored_by_the_same_path_and_stands_on_no_board(platform: Platform) -> None:
    competition = platform.open_competition(make_contest(practice=OWN))
    phase = fetch_phase(platform, competition)
    assert (competition.state, phase.state, phase.spec_id != competition.spec_id) == ("open", "ready", True)
    evaluation = practise(platform, competition)
    assert (evaluation.verdict, evaluation.phase, evaluation.log) == ("scored", "practice", "printed")
    assert evaluation.relative_runtime is not None
    with reading(platform.engine) as session:
        digest = session.get_one(Scorecard, evaluation.id).record.report_digest
        assert b"contest (practice)" in platform.context.store.get(digest)
        assert session.scalars(select(func.count()).select_from(Board)).one() == 0


def test_practice_is_kept_to_the_compute_budget_as_a_ranked_entry_is(platform: Platform) -> None:
    competition = platform.open_competition(make_contest(practice=OWN))
    platform.sandbox.seconds = 0.9
    assert practise(platform, competition).verdict == "over_budget"


def test_a_fault_in_practice_comes_with_message_and_output_and_in_the_contest_without(platform: Platform) -> None:
    competition = platform.open_competition(make_contest(practice=OWN))
    fail(platform)
    practised = practise(platform, competition)
    assert (practised.reason, practised.log) == ("ValueError: the first label is 7", "printed")
    hidden_id = platform.submit(competition)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        hidden = session.get_one(Evaluation, hidden_id)
    assert (hidden.verdict, hidden.code) == (practised.verdict, practised.code)
    assert (hidden.reason, hidden.log) == ("", "")


def test_two_competitions_that_name_the_same_problem_share_its_pools_and_calibrations(platform: Platform) -> None:
    own = platform.open_competition(make_open())
    first, second = (platform.open_competition(make_contest(slug)) for slug in ("contest", "other"))
    specs = {own.spec_id, fetch_phase(platform, first).spec_id, fetch_phase(platform, second).spec_id}
    assert len(specs) == 1
    assert [fetch_phase(platform, row).state for row in (first, second)] == ["ready", "ready"]
    with reading(platform.engine) as session:
        problem_id = session.get_one(EvaluationSpec, own.spec_id).problem_id
        assert len(session.scalars(select(Pool).where(Pool.problem_id == problem_id)).all()) == 3
        measured = select(func.count()).select_from(Calibration).where(Calibration.spec_id == own.spec_id)
        assert session.scalars(measured).one() == 1
    assert practise(platform, first).verdict == "scored"
    with reading(platform.engine) as session:
        assert session.scalars(select(func.count()).select_from(Board)).one() == 0


def test_a_problem_file_serves_where_no_competition_has_the_name(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        competition = register_competition(session, make_contest(practice={"problem": "digits"}))
    with reading(platform.engine) as session:
        body = session.get_one(EvaluationSpec, fetch_phase(platform, competition).spec_id).body
    assert (body["problem"]["slug"], body["problem"]["exposure"]) == ("digits", "practice")


def test_a_hidden_problem_is_no_practice_problem(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        register_competition(session, make_contest("other", OWN))
    with pytest.raises(InvalidInput, match="its exposure is 'public'"), transaction(platform.engine) as session:
        register_competition(session, make_contest(practice={"problem": "other"}))


def test_nothing_hidden_is_ever_run_as_practice(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        competition = register_competition(session, make_contest(practice=OWN))
        spec = session.get_one(EvaluationSpec, competition.spec_id)
        with pytest.raises(PlatformFault, match="must be open"):
            open_evaluation(session, Submission(), spec, phase=PhaseKind.PRACTICE)


def test_code_finds_the_same_layout_names_and_sizes_in_practice_and_in_the_contest(platform: Platform) -> None:
    """Threats of the kind "behave where somebody looks": only the data themselves may tell one from the other."""
    competition = platform.open_competition(make_contest(practice=OWN))
    platform.sandbox.requests.clear()
    practise(platform, competition)
    practised = [describe(request) for request in platform.sandbox.requests]
    platform.sandbox.requests.clear()
    platform.submit(competition)
    platform.run_until_quiet()
    hidden = [describe(request) for request in platform.sandbox.requests]
    assert sorted(practised, key=repr) == sorted(hidden, key=repr)
    assert len(hidden) == 4  # the canary, its swap test, two shards
    words = repr([{**description, "splits": None, "pieces": None} for description in practised + hidden])
    assert not any(word in words for word in ("practice", "public", "contest", "private"))


def describe(request: RunRequest) -> dict[str, Any]:
    """All that reaches the sandbox, but for what is drawn anew for every run and the numbers in the tensors."""
    drawn = {
        "label": [len(part) for part in request.label.split("-")],
        "splits": len(request.splits),
        "originals": [len(original) for original in request.originals],
        # reruns stand anywhere
        "orders": sorted((order.index, order.original, order.role) for order in request.orders),
    }
    return {field.name: drawn.get(field.name, getattr(request, field.name)) for field in fields(request)}
