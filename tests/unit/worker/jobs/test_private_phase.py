"""From a problem file with a private part to scored finalists, on real pipeline code and a sandbox made of Python."""

from sqlalchemy import select

from core.db.models.lifecycle import Phase
from core.db.models.notifications import Delivery, Webhook
from core.db.models.problems import Pool
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import phases
from core.db.session import reading, transaction
from core.domain.notifications import Event
from core.domain.phases import PhaseKind
from core.lifecycle import open_evaluation
from core.problems import ProblemSpec
from core.registration import register_competition
from tests.unit.worker.conftest import Platform, make_spec

PRIVATE = {
    "forget": {"kind": "random", "fraction": 0.2, "seed": 2**64 + 77},
    "split_seed": 2**64 + 78,
    "pool_seed": 2**64 + 79,
}


def make_two_phases(**private: object) -> ProblemSpec:
    return ProblemSpec.model_validate(make_spec().model_dump() | {"private": {**PRIVATE, **private}})


def fetch_phase(platform: Platform, competition_id: str) -> Phase:
    with reading(platform.engine) as session:
        phase = phases.fetch_private_phase(session, competition_id)
    assert phase is not None
    return phase


def test_a_finalist_is_scored_under_pools_of_its_own(platform: Platform) -> None:
    competition = platform.open_competition(make_two_phases())
    phase = fetch_phase(platform, competition.id)
    assert (competition.state, phase.state) == ("open", "ready")
    assert phase.spec_id != competition.spec_id
    with reading(platform.engine) as session:
        assert len(session.scalars(select(Pool)).all()) == 6
    public = platform.submit(competition)
    with transaction(platform.engine) as session:
        author = session.get_one(Submission, session.get_one(Evaluation, public).submission_id).user_id
        session.add(Webhook(user_id=author, url="https://a.example/", events=(Event.EVALUATION_FINISHED,), secret="s"))
    platform.run_until_quiet()
    with transaction(platform.engine) as session:
        submission = session.get_one(Submission, session.get_one(Evaluation, public).submission_id)
        private = open_evaluation(session, submission, phase.spec, phase=PhaseKind.PRIVATE).id
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        told = [delivery.body for delivery in session.scalars(select(Delivery))]
        rows = [session.get_one(Evaluation, row) for row in (public, private)]
    assert [(row.phase, row.verdict, row.spec_id) for row in rows] == [
        ("public", "scored", competition.spec_id),
        ("private", "scored", phase.spec_id),
    ]
    assert [body["verdict"] for body in told] == ["scored"]  # of the public one
    assert rows[1].log == ""  # what code prints about hidden data stays unseen
    assert rows[0].log != ""


def test_a_private_part_may_change_until_it_is_read(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        competition = register_competition(session, make_two_phases())
    first = fetch_phase(platform, competition.id)
    for state, changes in (("ready", True), ("scoring", False), ("published", False)):
        with transaction(platform.engine) as session:
            session.get_one(Phase, first.id).state = state
        before = fetch_phase(platform, competition.id).spec_id
        with transaction(platform.engine) as session:
            register_competition(session, make_two_phases(pool_seed=2**65 + len(state)))
        after = fetch_phase(platform, competition.id)
        assert (after.spec_id != before, after.state == "preparing") == (changes, changes)


def test_a_fault_of_the_private_pools_is_told_and_does_not_hold_up_the_competition(platform: Platform) -> None:
    spec = make_two_phases(forget={"kind": "class", "class_index": 99})
    competition = platform.open_competition(spec)
    assert competition.state == "open"
    phase = fetch_phase(platform, competition.id)
    assert (phase.state, phase.fault != "") == ("preparing", True)
