"""Shards that run on nodes: the rules of every worker, whatever a node does or says."""

import threading
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta

import numpy as np
import pytest

from core.db.base import utc_now
from core.db.models.operations import Node
from core.db.models.submissions import Shard
from core.db.queries import evaluations, leases
from core.db.session import reading, transaction
from core.domain.fleet import MOST_SENT, Ending
from core.domain.leaderboard import Purpose
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState
from core.lifecycle import request_cancel
from core.node_records import ShardResult
from sandbox.contract import Outcome
from tests.unit.worker.agent.conftest import Fleet, Member
from worker.jobs.sweep import sweep
from worker.replicas.outputs import load_npz
from worker.runner.base import RunRequest
from worker.scorecard.flags import load_reruns, load_swapped


def fetch_node(fleet: Fleet, name: str = "gpu-1") -> Node:
    with reading(fleet.platform.engine) as session:
        return session.get_one(Node, name)


def expire_leases(fleet: Fleet) -> None:
    with transaction(fleet.platform.engine) as session:
        for shard_id, fence in leases.fetch_live(session, Shard, utc_now()):
            leases.renew(session, Shard, shard_id, fence, until=utc_now() - timedelta(seconds=1))
    sweep(fleet.platform.context)


def test_nodes_alone_bring_a_submission_to_its_score(fleet: Fleet) -> None:
    evaluation_id = fleet.submit()
    one, other = fleet.join("one"), fleet.join("other")
    fleet.run_until_quiet(one, other)
    found = fleet.fetch(evaluation_id)
    assert (found.status, found.verdict) == (Status.FINISHED, Verdict.SCORED)
    assert {shard.worker for shard in found.shards} == {"one", "other"}
    assert found.relative_runtime == pytest.approx(0.01)
    with reading(fleet.platform.engine) as session:
        rows = evaluations.fetch_replicas(session, evaluation_id)
    assert [row.position for row in rows] == list(range(16))
    store = fleet.platform.context.store
    assert load_reruns(store, evaluation_id) is not None
    assert load_swapped(store, evaluation_id) is not None


def test_a_node_gives_the_score_that_a_worker_gives(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.replicas.execution.derive_seed", lambda _evaluation, index: index + 1)
    monkeypatch.setattr("worker.shards.results.derive_seed", lambda _evaluation, index: index + 1)
    here = fleet.submit()
    fleet.platform.run_until_quiet()
    there = fleet.submit(b"# the same\n" + b"def unlearning(net, a, b, c):\n    return net\n")
    fleet.run_until_quiet(fleet.join())
    ours, theirs = fleet.fetch(here), fleet.fetch(there)
    assert ours.score == theirs.score is not None
    store = fleet.platform.context.store
    for one, other in zip(ours.shards, theirs.shards, strict=True):
        here_found, there_found = (load_npz(store.get(str(shard.outputs_digest))) for shard in (one, other))
        for field in fields(here_found):
            np.testing.assert_allclose(
                getattr(here_found, field.name), getattr(there_found, field.name), rtol=0, atol=1e-12
            )


def test_a_node_is_sent_no_pool_but_the_originals_and_nothing_that_its_lease_does_not_name(fleet: Fleet) -> None:
    fleet.submit()
    node = fleet.join()
    offer = node.ask()
    assert offer is not None
    assert set(offer.terms) == {
        "problem", "problem_digest", "evaluation", "metric_version", "protocol", "originals_per_run"
    }  # fmt: skip
    assert node.link.fetch(offer.lease, offer.source_digest).startswith(b"def unlearning")
    headers = {"Authorization": f"Bearer {node.token}"}
    stranger = {"Authorization": f"Bearer {fleet.join('stranger').token}"}
    [chunk] = [each for each in fleet.platform.context.store.iter_names() if "/retrained/" in each][:1]
    secret = fleet.platform.context.store.get_ref(chunk)
    path = f"/api/v1/nodes/leases/{offer.lease}/blobs"
    assert fleet.client.get(f"{path}/{secret}", headers=headers).status_code == 404
    assert fleet.client.get(f"{path}/{offer.source_digest}", headers=stranger).status_code == 404
    assert fleet.client.post(path, content=b"x", headers=stranger).status_code == 404
    expire_leases(fleet)
    assert fleet.client.get(f"{path}/{offer.source_digest}", headers=headers).status_code == 409
    assert fleet.client.post(path, content=b"x", headers=headers).status_code == 409


def test_a_node_cannot_fill_the_store(fleet: Fleet) -> None:
    fleet.submit()
    node = fleet.join()
    offer = node.ask()
    assert offer is not None
    path, headers = f"/api/v1/nodes/leases/{offer.lease}/blobs", {"Authorization": f"Bearer {node.token}"}
    assert fleet.client.post(path, content=bytes(1 << 20), headers=headers).status_code == 413
    answers = [fleet.client.post(path, content=b"x", headers=headers).status_code for _ in range(MOST_SENT)]
    assert answers == [201] * (MOST_SENT - 1) + [409]


def test_a_question_waits_for_work_and_ends_when_its_node_leaves(fleet: Fleet) -> None:
    node, over = fleet.join(), threading.Event()

    def turn() -> None:
        while not over.wait(0.05):
            fleet.dispatcher.turn()

    janitor, later = threading.Thread(target=turn), threading.Timer(0.3, fleet.submit)
    janitor.start()
    later.start()
    try:
        offer = node.link.ask(node.instance)
    finally:
        over.set()
        janitor.join()
        later.join()
    assert offer is not None
    assert offer.first == 0
    leaving = threading.Timer(0.3, node.link.leave, [node.instance])
    leaving.start()
    assert node.link.ask(node.instance) is None  # long before its time is up
    leaving.join()


def test_a_node_that_is_gone_costs_its_shard_alone(fleet: Fleet) -> None:
    evaluation_id = fleet.submit()
    lost, other = fleet.join("lost"), fleet.join("other")
    assert other.step()  # the canary
    offer = lost.ask()
    assert offer is not None
    fleet.run_until_quiet(other)
    assert fleet.fetch(evaluation_id).status == Status.RUNNING
    expire_leases(fleet)
    fleet.run_until_quiet(other)
    found = fleet.fetch(evaluation_id)
    assert found.verdict == Verdict.SCORED
    assert sum(shard.attempts for shard in found.shards) == len(found.shards) + 1
    lost.take(offer)  # it comes back with what nobody waits for
    assert "nobody waits for it any more" in " ".join(lost.said) or "dropped" in " ".join(lost.said)


def test_a_key_that_is_revoked_in_the_middle_ends_the_node_and_frees_its_shard(fleet: Fleet) -> None:
    evaluation_id = fleet.submit()
    node, other = fleet.join(), fleet.join("other")
    node.sandbox.before = lambda _request: fleet.revoke("gpu-1")
    offer = node.ask()
    assert offer is not None
    node.take(offer)
    assert "unknown or revoked" in node.standing.reason
    sweep(fleet.platform.context)
    fleet.run_until_quiet(other)
    assert fleet.fetch(evaluation_id).verdict == Verdict.SCORED


@pytest.mark.parametrize("outcome", [Outcome.EXCEPTION, Outcome.TIME_LIMIT])
def test_what_a_submission_does_wrong_on_a_node_is_its_own_fault(fleet: Fleet, outcome: Outcome) -> None:
    evaluation_id = fleet.submit()
    node = fleet.join()
    node.sandbox.outcome, node.sandbox.error = outcome, "it went wrong"
    fleet.run_until_quiet(node)
    found = fleet.fetch(evaluation_id)
    assert found.verdict in (Verdict.RUNTIME_ERROR, Verdict.TIME_LIMIT)
    assert (found.reason, found.log) == ("it went wrong", "printed")


def test_a_node_that_fails_everything_rests_and_others_go_on(fleet: Fleet) -> None:
    evaluation_id = fleet.submit()
    sick = fleet.join("sick")
    sick.sandbox.sandbox_error = "the engine is away"
    for _ in range(4):
        sick.step()
    assert fetch_node(fleet, "sick").strikes == 3
    assert sick.ask() is None
    fleet.run_until_quiet(fleet.join("well"))
    assert fleet.fetch(evaluation_id).verdict == Verdict.SCORED


LIES: dict[str, Callable[[ShardResult], object]] = {
    "other replicas": lambda told: [each.model_copy(update={"index": each.index + 1}) for each in told.replicas],
    "none": lambda _told: [],
}


@pytest.mark.parametrize("lie", list(LIES))
def test_a_result_that_is_not_what_was_asked_for_counts_against_the_node(fleet: Fleet, lie: str) -> None:
    evaluation_id = fleet.submit()
    node = fleet.join()
    real = node.link.finish
    node.link.finish = lambda lease, told: real(  # type: ignore[method-assign]
        lease, told.model_copy(update={"replicas": LIES[lie](told)})
    )
    assert node.step()
    found = fleet.fetch(evaluation_id)
    assert [(shard.state, shard.failures) for shard in found.shards] == [(WorkState.PENDING, 1)]
    assert "the node sent other replicas" in found.shards[0].fault
    assert fetch_node(fleet).strikes == 1


def test_a_node_cannot_let_a_shard_fall_by_saying_that_it_was_stopped(fleet: Fleet) -> None:
    evaluation_id = fleet.submit()
    node = fleet.join()
    real = node.link.finish
    stopped = {"ending": Ending.STOPPED, "replicas": [], "outputs": None}
    node.link.finish = lambda lease, told: real(lease, told.model_copy(update=stopped))  # type: ignore[method-assign]
    assert node.step()
    assert fleet.fetch(evaluation_id).shards[0].state == WorkState.PENDING


def test_a_node_gets_nothing_that_it_may_not_run(fleet: Fleet) -> None:
    fleet.submit()
    assert fleet.join("for-practice", purposes=(Purpose.PRACTICE,)).ask() is None
    assert fleet.join("elsewhere", node_class="gpu").ask() is None  # not before retraining was measured there
    draining = fleet.join("draining")
    with transaction(fleet.platform.engine) as session:
        session.get_one(Node, "draining").draining_since = utc_now()
    assert draining.ask() is None
    assert draining.link.report(draining.describe()).is_draining
    assert fleet.join("broken", fault="a promise is not kept").ask() is None


def test_a_class_that_was_never_calibrated_is_before_a_node_of_it_runs_an_entry(fleet: Fleet) -> None:
    evaluation_id = fleet.submit()
    node = fleet.join(node_class="gpu")
    for _ in range(3):  # what began the calibration brought no work, and what waits for it says so
        fleet.run_until_quiet(node)
    found = fleet.fetch(evaluation_id)
    assert (found.node_class, found.verdict) == ("gpu", Verdict.SCORED)


def test_what_is_cancelled_while_a_node_runs_it_stops_there(fleet: Fleet) -> None:
    evaluation_id = fleet.submit()
    node = fleet.join()

    def cancel(_request: RunRequest) -> None:
        with transaction(fleet.platform.engine) as session:
            request_cancel(session, evaluation_id)

    node.sandbox.before = cancel
    assert node.step()
    sweep(fleet.platform.context)
    expire_leases(fleet)
    assert fleet.fetch(evaluation_id).verdict == Verdict.WITHDRAWN


def test_a_node_that_leaves_frees_its_name_and_what_it_holds(fleet: Fleet) -> None:
    evaluation_id = fleet.submit()
    node = fleet.join()
    assert node.ask() is not None
    node.link.leave(node.instance)
    sweep(fleet.platform.context)
    assert fleet.fetch(evaluation_id).shards[0].state == WorkState.PENDING
    again = Member(fleet, "gpu-1", node.token, fleet.folder / "again")
    assert again.link.report(again.describe()).name == "gpu-1"
