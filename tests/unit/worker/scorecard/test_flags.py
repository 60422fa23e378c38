"""What the worker hands to the checks, and what it keeps of them; the checks' own tests are the evaluator's."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.db.queries import evaluations
from core.db.session import reading
from core.domain.intake.report import Brought
from core.domain.pools import PoolKind
from core.storage import FolderStore
from evaluator.flags import FlagCode
from sandbox.contract import Role
from tests.tiny_problems import make_tiny_spec
from tests.unit.worker.conftest import Platform, make_spec
from worker.problems import LoadedProblem, load_problem
from worker.replicas.outputs import ModelOutputs
from worker.replicas.swapping import choose_swapped
from worker.runner.base import ReplicaOrder, RunRequest
from worker.scorecard.flags import FlagFacts, find_flags, load_reruns, pick_raised, store_reruns
from worker.training.pools import Pool, TrainingPlan, ensure_pools, pool_sizes


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    return load_problem(make_tiny_spec(recipe={"epochs": 25, "batch_size": 32, "learning_rate": 0.2}))


@pytest.fixture(scope="module")
def pools(problem: LoadedProblem, tmp_path_factory: pytest.TempPathFactory) -> dict[PoolKind, Pool]:
    store = FolderStore(tmp_path_factory.mktemp("store"))
    return ensure_pools(
        problem, pool_sizes(problem.spec), store, on_progress=lambda done, total: None, plan=TrainingPlan(workers=1)
    )


@pytest.fixture
def honest(pools: dict[PoolKind, Pool]) -> ModelOutputs:
    """Half of the control bank, as a submission that retrained would give it."""
    outputs = pools[PoolKind.CONTROL].outputs.select(slice(0, 8))
    return replace(outputs, weight_change=np.ones(8))


@pytest.fixture
def others(pools: dict[PoolKind, Pool]) -> dict[PoolKind, Pool]:
    """The pools without that half."""
    control = pools[PoolKind.CONTROL]
    return {**pools, PoolKind.CONTROL: replace(control, outputs=control.outputs.select(slice(8, 16)))}


def test_retrained_models_raise_no_flag_and_every_check_says_something(
    problem: LoadedProblem, honest: ModelOutputs, others: dict[PoolKind, Pool]
) -> None:
    facts = FlagFacts(
        digests=tuple("abcdefgh"),
        reruns=honest.select(slice(0, 1)),
        swapped=forget_others(problem, others[PoolKind.ORIGINAL].outputs, "mine"),
        spare=others[PoolKind.ORIGINAL].outputs,
        evaluation_id="mine",
        brought=Brought(numbers=9),
    )
    found = find_flags(problem, honest, others, facts)
    assert pick_raised(found) == ()
    others_check = {FlagCode.joint_law, FlagCode.clumped_values}  # made beside the score: test_scored.py
    assert [check.code for check in found] == [code for code in FlagCode if code not in others_check]
    assert all(check.detail.endswith(".") for check in found)
    assert all(check.value is not None for check in found)
    json.dumps([check.model_dump() for check in found], allow_nan=False)


def forget_others(problem: LoadedProblem, original: ModelOutputs, evaluation_id: str) -> ModelOutputs:
    """A model that knows the forget set as the original does, and no longer what changed places with it."""
    places = choose_swapped(problem, evaluation_id)
    assert places is not None
    confidence = original.retain_confidence.copy()
    confidence[:, places] -= 3
    return replace(original, retain_confidence=confidence)


def test_an_answer_that_came_along_does_not_move_with_the_forget_set(
    problem: LoadedProblem, honest: ModelOutputs, others: dict[PoolKind, Pool]
) -> None:
    facts = FlagFacts(swapped=honest, spare=others[PoolKind.ORIGINAL].outputs, evaluation_id="mine")
    (flag,) = pick_raised(find_flags(problem, honest, others, facts))
    assert (flag.code, flag.value, flag.fires) == ("swap_ignored", 0.0, "below")


def test_models_of_a_pool_are_found_again(
    problem: LoadedProblem, honest: ModelOutputs, pools: dict[PoolKind, Pool]
) -> None:
    (flag,) = pick_raised(find_flags(problem, honest, pools, FlagFacts()))
    assert (flag.code, flag.severity, flag.fires) == ("copied_member", "strong", "below")
    assert flag.value is not None
    assert flag.threshold is not None
    assert flag.value < flag.threshold


def test_originals_are_a_no_op(problem: LoadedProblem, pools: dict[PoolKind, Pool]) -> None:
    original = pools[PoolKind.ORIGINAL].outputs.select(np.zeros(6, np.int64))
    codes = {flag.code for flag in pick_raised(find_flags(problem, original, pools, FlagFacts(("same",) * 6)))}
    assert codes == {"no_op", "collapsed", "variance_off"}


def test_what_was_not_measured_is_said_and_not_judged(
    problem: LoadedProblem, honest: ModelOutputs, others: dict[PoolKind, Pool]
) -> None:
    unmeasured = replace(honest, relearn_loss=np.full_like(honest.relearn_loss, -1))
    checks = {entry.code: entry for entry in find_flags(problem, unmeasured, others, FlagFacts())}
    assert [checks[code].value for code in ("rerun_distance", "relearn_time")] == [None, None]
    assert checks["rerun_distance"].detail == "No replica was run again."


def test_digests_of_another_number_of_replicas_are_left_out(
    problem: LoadedProblem, honest: ModelOutputs, others: dict[PoolKind, Pool]
) -> None:
    assert pick_raised(find_flags(problem, honest, others, FlagFacts(("same", "same")))) == ()


def test_reruns_are_kept_by_evaluation(honest: ModelOutputs, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = FolderStore(tmp_path_factory.mktemp("store"))
    store_reruns(store, "mine", [])
    assert load_reruns(store, "mine") is None
    store_reruns(store, "mine", [honest.select(slice(0, 1)), honest.select(slice(1, 2))])
    kept = load_reruns(store, "mine")
    assert kept is not None
    np.testing.assert_array_equal(kept.forget_logits, honest.forget_logits[:2])


def list_entries(request: RunRequest) -> list[ReplicaOrder]:
    """What runs of the submission, without what is timed beside it."""
    return [order for order in request.orders if order.role is Role.ENTRY]


@pytest.mark.parametrize(("count", "value"), [(1, 0.0), (0, None)])
def test_a_canary_runs_its_first_replica_once_more_and_nobody_pays(
    platform: Platform, count: int, value: float | None
) -> None:
    competition = platform.open_competition(make_spec(rerun_replicas=count))
    before = len(platform.sandbox.requests)
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    canary, *rest = [list_entries(request) for request in platform.sandbox.requests[before:]]
    swapped = [rest.pop(0)] if count else []
    assert [len(orders) for orders in swapped] == [2] * count
    replicas, reruns = (
        [order for order in canary if order.index < 2],
        [order for order in canary if order.index >= 2],
    )
    assert [order.index for order in replicas] == [0, 1]
    assert [(order.index, order.seed) for order in reruns] == [(2, replicas[0].seed)][:count]
    assert [len(orders) for orders in rest] == [7, 7]
    with reading(platform.engine) as session:
        rows = evaluations.fetch_replicas(session, evaluation_id)
        evaluation = evaluations.fetch_evaluation(session, evaluation_id)
        card = evaluations.fetch_scorecard(session, evaluation_id)
    assert sorted(row.position for row in rows) == list(range(16))
    assert evaluation is not None
    assert [shard.finished_replicas for shard in evaluation.shards] == [2, 7, 7]
    assert evaluation.relative_runtime == pytest.approx(0.01)
    assert card is not None
    assert {check.code: check.value for check in card.record.flag_checks or ()}["rerun_distance"] == value


def test_calibrations_are_not_run_again(platform: Platform) -> None:
    platform.open_competition(make_spec())
    assert sum(len(list_entries(request)) for request in platform.sandbox.requests) == 2


def test_a_rerun_that_fails_is_nobodys_fault(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    sent = len(platform.sandbox.requests)
    calls: list[int] = []

    def fail_rerun(weights: bytes) -> bytes:
        order = platform.sandbox.requests[sent].orders[len(calls) : len(calls) + 1]
        calls.append(1)
        is_rerun = order and (order[0].index, order[0].role) == (2, Role.ENTRY)
        return b"junk" if is_rerun and len(platform.sandbox.requests) == sent + 1 else weights

    platform.sandbox.bend = fail_rerun
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        evaluation = evaluations.fetch_evaluation(session, evaluation_id)
        card = evaluations.fetch_scorecard(session, evaluation_id)
    assert evaluation is not None
    assert evaluation.verdict == "scored"
    assert card is not None
    assert {check.code: check.value for check in card.record.flag_checks or ()}["rerun_distance"] is None
