"""Runs that end early: only behind a rival, once, and never against cancelling, dying workers or the janitor."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import evaluations, leases
from core.db.session import reading, transaction
from core.domain.submission import Verdict
from core.jobs import DECIDE, RUN_SHARD, SCORE
from core.lifecycle import request_cancel
from core.problem_parts import Scored
from core.problems import ProblemSpec
from core.scorecard import ScorecardRecord, dump_scorecard
from tests.hidden_problems import expose
from tests.unit.worker.conftest import DELIVER, HONEST, Platform, make_spec
from worker.jobs import looks
from worker.jobs.sweep import sweep

ADAPTIVE = {"alpha": 0.99, "rival_place": 1, "min_replicas": 16}  # chance has no say in a test
BAD = b"# bad\n" + HONEST


def _make_spec(exposure: str = "practice", **changes: Any) -> ProblemSpec:
    """Every replica begins from an original of its own: an entry that leaves it as it is comes close to retraining."""
    spec = make_spec(replicas=47, canary_replicas=2, shard_replicas=15, adaptive=ADAPTIVE | changes)
    pools = spec.pools.model_copy(update={"originals": 47, "scored": Scored.TOGETHER})
    return expose(spec.model_copy(update={"pools": pools}), exposure)


def _ruin(weights: bytes) -> bytes:
    """Far from any model that learned these digits."""
    return bytes(save({name: -8 * value for name, value in load(weights).items()}))


def _run_in_turn(platform: Platform, *, before: Callable[[str, str], None] = lambda task, name: None) -> list[str]:
    """One message at a time, scores and looks first: they have a queue of their own. Return the tasks."""
    waiting: list[tuple[str, str]] = []
    ran = []
    while True:
        waiting += platform.drop_messages()
        waiting.sort(key=lambda message: message[0] == RUN_SHARD)
        if not waiting:
            return ran
        task, name = waiting.pop(0)
        before(task, name)
        DELIVER[task](platform.context, name)
        ran.append(task)


def _fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        evaluation = evaluations.fetch_evaluation(session, evaluation_id)
    assert evaluation is not None
    return evaluation


def _fetch_record(platform: Platform, evaluation_id: str) -> ScorecardRecord:
    with reading(platform.engine) as session:
        card = evaluations.fetch_scorecard(session, evaluation_id)
    assert card is not None
    return card.record


def _open(platform: Platform, spec: ProblemSpec) -> Competition:
    """A competition with one good entry on its board."""
    competition = platform.open_competition(spec)
    rival = platform.submit(competition)
    _run_in_turn(platform)
    assert _fetch(platform, rival).verdict == Verdict.SCORED
    assert _fetch(platform, rival).scored_replicas in (None, 47)
    return competition


def _submit_bad(platform: Platform, competition: Competition, *, purpose: str = "ranked") -> str:
    platform.sandbox.bend = _ruin
    return platform.submit(competition, BAD, purpose=purpose)


def test_an_entry_that_is_decidedly_behind_runs_fewer_replicas_and_is_scored_on_those(platform: Platform) -> None:
    competition = _open(platform, _make_spec())
    evaluation_id = _submit_bad(platform, competition)
    _run_in_turn(platform)
    evaluation = _fetch(platform, evaluation_id)
    assert (evaluation.verdict, evaluation.decided_early, evaluation.scored_replicas) == (Verdict.SCORED, True, 17)
    assert [shard.state for shard in evaluation.shards] == ["done", "done", "abandoned", "abandoned"]
    with reading(platform.engine) as session:
        assert len(evaluations.fetch_replicas(session, evaluation_id)) == 17
        moves = [(event.status, event.detail) for event in evaluations.fetch_events(session, evaluation_id)]
    assert ("scoring", "behind place 1, decided after 17 of 47 replicas") in moves
    record = _fetch_record(platform, evaluation_id)
    decision = dump_scorecard(record)["decision"]
    assert record.replicas.unlearned == 17
    assert {name: decision[name] for name in ("standing", "rival_place", "alpha", "after", "of")} == {
        "standing": "behind",
        "rival_place": 1,
        "alpha": ADAPTIVE["alpha"],
        "after": 17,
        "of": 47,
    }
    assert decision["low"] < decision["difference"] < decision["high"] < 0
    assert decision["rival"]


def test_the_scorecard_of_a_hidden_problem_tells_nothing_of_the_rival(platform: Platform) -> None:
    competition = _open(platform, _make_spec("public"))
    evaluation_id = _submit_bad(platform, competition)
    _run_in_turn(platform)
    assert dump_scorecard(_fetch_record(platform, evaluation_id))["decision"] == {
        "standing": "behind",
        "rival_place": 1,
        "alpha": ADAPTIVE["alpha"],
        "after": 17,
        "of": 47,
    }


def test_an_entry_that_is_ahead_or_level_runs_on(platform: Platform) -> None:
    competition = platform.open_competition(_make_spec(alpha=1e-9))
    platform.sandbox.bend = _ruin
    platform.submit(competition, BAD)
    _run_in_turn(platform)
    platform.sandbox.bend = lambda weights: weights
    evaluation_id = platform.submit(competition)
    again = platform.submit(competition, b"# again\n" + HONEST)
    ran = _run_in_turn(platform)
    assert DECIDE in ran
    for name in (evaluation_id, again):
        evaluation = _fetch(platform, name)
        assert (evaluation.verdict, evaluation.decided_early) == (Verdict.SCORED, False)
        assert _fetch_record(platform, name).decision is None
        assert all(shard.state == "done" for shard in evaluation.shards)


@pytest.mark.parametrize("place", [1, 2])
def test_without_a_rival_at_that_place_an_entry_runs_on(platform: Platform, place: int) -> None:
    spec = _make_spec(rival_place=place)
    competition = platform.open_competition(spec) if place == 1 else _open(platform, spec)
    evaluation_id = _submit_bad(platform, competition)
    _run_in_turn(platform)
    assert (_fetch(platform, evaluation_id).verdict, _fetch(platform, evaluation_id).decided_early) == (
        Verdict.SCORED,
        False,
    )


def test_an_entry_that_was_stopped_itself_is_nobodys_rival(platform: Platform) -> None:
    competition = _open(platform, _make_spec(rival_place=2))
    platform.sandbox.bend = _ruin
    first = platform.submit(competition, BAD)
    _run_in_turn(platform)
    with transaction(platform.engine) as session:  # as if it had been stopped behind a place of before
        row = evaluations.lock_evaluation(session, first)
        assert row is not None
        row.decided_early, row.scored_replicas = True, 17
    second = platform.submit(competition, b"# other\n" + BAD)
    _run_in_turn(platform)
    assert not _fetch(platform, second).decided_early


def test_a_reference_and_a_competition_without_the_rule_are_never_looked_at(platform: Platform) -> None:
    competition = _open(platform, _make_spec())
    reference = _submit_bad(platform, competition, purpose="reference")
    assert DECIDE not in _run_in_turn(platform)
    assert not _fetch(platform, reference).decided_early
    plain = platform.open_competition(make_spec().model_copy(update={"slug": "plain"}))
    platform.submit(plain, b"# plain\n" + HONEST)
    assert DECIDE not in _run_in_turn(platform)


def test_shards_behind_a_gap_are_not_looked_at_and_no_replica_is_compared_out_of_order(platform: Platform) -> None:
    competition = _open(platform, _make_spec())
    evaluation_id = _submit_bad(platform, competition)
    [(_, canary)] = platform.drop_messages()
    DELIVER[RUN_SHARD](platform.context, canary)
    first, second, third = (name for _, name in platform.drop_messages())
    DELIVER[RUN_SHARD](platform.context, third)
    assert platform.drop_messages() == []
    DELIVER[RUN_SHARD](platform.context, second)
    assert platform.drop_messages() == []
    DELIVER[RUN_SHARD](platform.context, first)
    assert [task for task, _ in platform.drop_messages()] == [SCORE]
    assert (_fetch(platform, evaluation_id).status, _fetch(platform, evaluation_id).decided_early) == ("scoring", False)


def test_a_look_delivered_twice_or_late_changes_nothing_more(platform: Platform) -> None:
    competition = _open(platform, _make_spec())
    evaluation_id = _submit_bad(platform, competition)
    taken: list[str] = []

    def twice(task: str, name: str) -> None:
        if task == DECIDE:
            taken.append(name)
            looks.decide_evaluation(platform.context, name)

    ran = _run_in_turn(platform, before=twice)
    assert ran.count(SCORE) == 1
    before = _fetch(platform, evaluation_id)
    looks.decide_evaluation(platform.context, evaluation_id)
    after = _fetch(platform, evaluation_id)
    assert taken
    assert platform.drop_messages() == []
    assert (after.verdict, after.scored_replicas) == (before.verdict, before.scored_replicas)


def test_a_look_that_is_lost_costs_replicas_and_nothing_else(platform: Platform) -> None:
    competition = _open(platform, _make_spec())
    evaluation_id = _submit_bad(platform, competition)
    waiting = platform.drop_messages()
    while waiting:
        for task, name in waiting:
            if task != DECIDE:
                DELIVER[task](platform.context, name)
        waiting = platform.drop_messages()
    assert (_fetch(platform, evaluation_id).verdict, _fetch(platform, evaluation_id).decided_early) == (
        Verdict.SCORED,
        False,
    )


def test_a_worker_at_a_shard_of_a_decided_entry_is_dropped_and_the_janitor_does_not_revive_it(
    platform: Platform,
) -> None:
    competition = _open(platform, _make_spec())
    evaluation_id = _submit_bad(platform, competition)
    [(_, canary)] = platform.drop_messages()
    DELIVER[RUN_SHARD](platform.context, canary)
    first, second, _ = (name for _, name in platform.drop_messages())
    with transaction(platform.engine) as session:  # a worker holds the second shard, and its lease has run out
        past = utc_now() - timedelta(seconds=1)
        fence = leases.claim(session, Shard, second, worker="slow", now=utc_now(), until=past)
    DELIVER[RUN_SHARD](platform.context, first)
    [(task, name)] = platform.drop_messages()
    assert (task, name) == (DECIDE, evaluation_id)
    DELIVER[DECIDE](platform.context, evaluation_id)
    sweep(platform.context)
    assert [task for task, _ in platform.drop_messages()] == [SCORE]
    with transaction(platform.engine) as session:
        assert not leases.renew(session, Shard, second, fence, until=utc_now() + timedelta(seconds=9))
        assert not leases.settle(session, Shard, second, fence, state="done")
    DELIVER[RUN_SHARD](platform.context, second)
    DELIVER[SCORE](platform.context, evaluation_id)
    evaluation = _fetch(platform, evaluation_id)
    assert (evaluation.verdict, evaluation.shards[2].state) == (Verdict.SCORED, "abandoned")


def test_a_worker_that_finishes_a_shard_while_the_place_is_decided_finds_its_result_dropped(platform: Platform) -> None:
    competition = _open(platform, _make_spec())
    evaluation_id = _submit_bad(platform, competition)
    [(_, canary)] = platform.drop_messages()
    DELIVER[RUN_SHARD](platform.context, canary)
    first, second, _ = (name for _, name in platform.drop_messages())
    DELIVER[RUN_SHARD](platform.context, first)
    platform.drop_messages()
    platform.sandbox.before = lambda _request: looks.decide_evaluation(platform.context, evaluation_id)
    DELIVER[RUN_SHARD](platform.context, second)
    with reading(platform.engine) as session:
        assert len(evaluations.fetch_replicas(session, evaluation_id)) == 17
    platform.sandbox.before = lambda _request: None
    _run_in_turn(platform)
    assert _fetch(platform, evaluation_id).scored_replicas == 17


def test_cancelling_wins_over_a_decision(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    competition = _open(platform, _make_spec())
    evaluation_id = _submit_bad(platform, competition)
    look = looks.compute_look

    def cancel_first(*pools: Any, **options: Any) -> Any:
        with transaction(platform.engine) as session:
            request_cancel(session, evaluation_id)
        return look(*pools, **options)

    monkeypatch.setattr(looks, "compute_look", cancel_first)
    _run_in_turn(platform)
    evaluation = _fetch(platform, evaluation_id)
    assert (evaluation.verdict, evaluation.decided_early) == (Verdict.WITHDRAWN, False)


def test_a_decided_entry_can_still_be_cancelled_until_it_is_scored(platform: Platform) -> None:
    competition = _open(platform, _make_spec())
    evaluation_id = _submit_bad(platform, competition)

    def cancel(task: str, _name: str) -> None:
        if task == SCORE:
            with transaction(platform.engine) as session:
                request_cancel(session, evaluation_id)

    _run_in_turn(platform, before=cancel)
    assert _fetch(platform, evaluation_id).verdict == Verdict.WITHDRAWN


def test_a_rival_is_cut_to_the_same_first_replicas(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    competition = _open(platform, _make_spec())
    _submit_bad(platform, competition)
    sizes: list[list[int]] = []
    look = looks.compute_look

    def watch(*pools: Any, **options: Any) -> Any:
        sizes.append([len(np.asarray(pool.confidences)) for pool in pools])
        return look(*pools, **options)

    monkeypatch.setattr(looks, "compute_look", watch)
    _run_in_turn(platform)
    assert sizes == [[17, 17, 16]]


@pytest.mark.parametrize(("task", "replicas"), [(DECIDE, None), (SCORE, 17)])
def test_outputs_that_are_lost_cost_a_look_its_replicas_and_never_a_verdict(
    platform: Platform, task: str, replicas: int | None
) -> None:
    competition = _open(platform, _make_spec())
    evaluation_id = _submit_bad(platform, competition)
    lost: list[str] = []

    def lose_once(name: str, _object_id: str) -> None:
        if name == task and not lost:
            lost.append(str(_fetch(platform, evaluation_id).shards[1].outputs_digest))
            (platform.context.settings.store_folder / "blobs" / lost[0][:2] / lost[0]).unlink()

    _run_in_turn(platform, before=lose_once)
    evaluation = _fetch(platform, evaluation_id)
    assert lost
    assert (evaluation.verdict, evaluation.scored_replicas) == (Verdict.SCORED, replicas)
    assert evaluation.decided_early == (replicas is not None)
