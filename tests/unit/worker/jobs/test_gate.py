"""Whether an entry is over its budget, as the worker finds it shard by shard."""

import pytest

from core.db.models.submissions import Evaluation, Scorecard
from core.db.queries import competitions, evaluations
from core.db.session import reading
from core.domain.calibration import CALIBRATION_TRIES
from core.domain.submission import Verdict
from core.domain.work import WorkState
from evaluator.paired import EXTRA_LOOKS
from sandbox.contract import Role
from tests.unit.worker.conftest import SECONDS_OF_PIECE, Platform, make_spec
from worker.runner.base import RunRequest


def _fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        evaluation = evaluations.fetch_evaluation(session, evaluation_id)
    assert evaluation is not None
    return evaluation


def _count_replicas(platform: Platform, evaluation_id: str) -> int:
    with reading(platform.engine) as session:
        return len(evaluations.fetch_replicas(session, evaluation_id))


def test_an_entry_far_over_the_budget_ends_at_the_canary(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.seconds = 0.2
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert evaluation.verdict == Verdict.OVER_BUDGET
    assert evaluation.relative_runtime == pytest.approx(0.2)
    assert _count_replicas(platform, evaluation_id) == 2


def test_an_entry_just_over_the_budget_is_scored_but_over_budget(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.seconds = 0.12
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert evaluation.verdict == Verdict.OVER_BUDGET
    assert evaluation.score is not None


def test_what_gets_dear_after_a_cheap_canary_ends_before_all_replicas_ran(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())

    def get_dear(request: RunRequest) -> None:
        platform.sandbox.seconds = 0.01 if request.orders[0].index == 0 else 1.45

    platform.sandbox.before = get_dear
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert (evaluation.verdict, evaluation.score) == (Verdict.OVER_BUDGET, None)
    assert _count_replicas(platform, evaluation_id) < evaluation.replicas_total


def test_what_stays_undecided_is_measured_again_charges_nobody_and_passes(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.seconds, platform.sandbox.wobble = 0.1, (0.5, 0.3)
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert evaluation.verdict == Verdict.SCORED
    extras = [shard for shard in evaluation.shards if shard.is_extra]
    assert (len(extras), _count_replicas(platform, evaluation_id)) == (EXTRA_LOOKS, evaluation.replicas_total)
    with reading(platform.engine) as session:
        runtime = session.get_one(Scorecard, evaluation_id).record.relative_runtime
    assert runtime.low <= runtime.budget < runtime.high
    assert (runtime.over_budget, runtime.clock) == (False, "process")


@pytest.mark.parametrize("when", ["from the calibration on", "beside the entry"])
def test_where_every_yardstick_fails_nothing_is_judged_and_the_scorecard_says_so(platform: Platform, when: str) -> None:
    broken = frozenset({Role.YARDSTICK, Role.IDLE})
    platform.sandbox.failing = broken if when == "from the calibration on" else frozenset()
    competition = platform.open_competition(make_spec())
    with reading(platform.engine) as session:
        row = competitions.fetch_calibration(session, competition.spec_id, "cpu")
    assert row is not None
    assert ("no yardstick took any time" in row.seconds["doubt"]) is (when == "from the calibration on")
    platform.sandbox.failing, platform.sandbox.seconds = broken, 0.9  # nine times the budget
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    assert _fetch(platform, evaluation_id).verdict == Verdict.SCORED
    with reading(platform.engine) as session:
        runtime = session.get_one(Scorecard, evaluation_id).record.relative_runtime
    assert (runtime.yardsticks, runtime.over_budget) == (0, False)
    assert runtime.estimate > runtime.budget  # beside what calibration measured: shown, not judged


def test_an_extra_measurement_that_cannot_be_run_costs_no_verdict(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.seconds, platform.sandbox.wobble = 0.1, (0.5, 0.3)

    def fail_extras(request: RunRequest) -> None:
        platform.sandbox.sandbox_error = "gone" if request.orders[0].index >= 16 else ""

    platform.sandbox.before = fail_extras
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert (evaluation.verdict, evaluation.shards[-1].state) == (Verdict.SCORED, WorkState.ABANDONED)


@pytest.mark.parametrize("tries", [CALIBRATION_TRIES, 1])
def test_a_calibration_in_doubt_is_measured_again_and_what_doubt_is_left_is_said(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    def change_speed(_request: RunRequest) -> None:
        seconds = 0.1 if len(platform.sandbox.requests) % 2 else 0.2
        monkeypatch.setitem(SECONDS_OF_PIECE, Role.YARDSTICK, seconds)

    platform.sandbox.before = change_speed
    platform.context.settings = platform.context.settings.model_copy(update={"calibration_tries": tries})
    competition = platform.open_competition(make_spec())
    assert (competition.state, competition.fault) == ("open", "")
    with reading(platform.engine) as session:
        runs = competitions.fetch_calibration_runs(session, competition.spec_id, "cpu")
        row = competitions.fetch_calibration(session, competition.spec_id, "cpu")
    reasons = [run.reason for run in runs]
    assert [reason.partition(":")[0] for reason in reasons] == [
        *["in doubt, and measured once more"] * (tries - 1),
        "calibrated, in doubt",
    ]
    assert row is not None
    assert "yardsticks differ" in row.seconds["doubt"]
    assert len(row.seconds["beside"]) == 2 * tries


def test_a_reference_has_no_gate(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.seconds = 1.0
    evaluation_id = platform.submit(competition, purpose="reference")
    platform.run_until_quiet()
    assert _fetch(platform, evaluation_id).verdict == Verdict.SCORED
