"""The worker against a fake sandbox: delivered twice, dies between phases, stale claim, broken sandbox."""

from datetime import timedelta

import numpy as np
import pytest
from safetensors.numpy import load, save

from core.db.base import utc_now
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import evaluations, leases
from core.db.session import reading, transaction
from core.domain.submission import Hold, Status, Verdict
from core.jobs import RUN_SHARD
from core.lifecycle import request_cancel, requeue
from core.scorecard import dump_scorecard, dump_summary, summarize
from sandbox.contract import Outcome
from tests.hidden_problems import expose
from tests.unit.worker.conftest import Platform, make_spec
from worker.jobs import shards
from worker.jobs.scores import score_evaluation
from worker.jobs.sweep import sweep


def _fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        evaluation = evaluations.fetch_evaluation(session, evaluation_id)
    assert evaluation is not None
    return evaluation


def _count_replicas(platform: Platform, evaluation_id: str) -> int:
    with reading(platform.engine) as session:
        return len(evaluations.fetch_replicas(session, evaluation_id))


def _expire_leases(platform: Platform) -> None:
    with transaction(platform.engine) as session:
        for shard_id, fence in leases.fetch_live(session, Shard, utc_now()):
            leases.renew(session, Shard, shard_id, fence, until=utc_now() - timedelta(seconds=1))


def test_an_honest_submission_ends_scored_with_every_replica_counted_once(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    assert competition.state == "open"
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert (evaluation.status, evaluation.verdict) == (Status.FINISHED, Verdict.SCORED)
    assert [(shard.first, shard.count) for shard in evaluation.shards] == [(0, 2), (2, 7), (9, 7)]
    assert _count_replicas(platform, evaluation_id) == 16
    assert evaluation.score is not None
    assert evaluation.score_low is not None
    assert evaluation.score_low <= evaluation.score
    assert evaluation.relative_runtime == pytest.approx(0.01)


def test_the_scorecard_says_how_it_was_got(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        card = evaluations.fetch_scorecard(session, evaluation_id)
    assert card is not None
    assert card.record.provenance.spec_digest == competition.spec.digest
    assert len(card.record.epsilon.per_example or ()) == sum(card.record.epsilon.counts)
    assert card.epsilon_svg.startswith("<svg")
    assert card.confidence_svg.startswith("<svg")


def test_the_api_can_show_what_the_worker_writes(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        card = evaluations.fetch_scorecard(session, evaluation_id)
    assert card is not None
    assert dump_scorecard(card.record) == card.body
    assert card.summary == dump_summary(summarize(card.record))
    assert len(_fetch(platform, evaluation_id).score_draws or ()) > 1


def test_seeds_differ_between_replicas_and_between_evaluations(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    first, second = (
        platform.submit(competition),
        platform.submit(competition, b"# other\n" + b"def unlearning(a, b, c, d): pass"),
    )
    platform.run_until_quiet()
    with reading(platform.engine) as session:
        seeds = [row.seed for i in (first, second) for row in evaluations.fetch_replicas(session, i)]
    assert len(set(seeds)) == 32


def test_every_task_delivered_twice_counts_once(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    sent = []
    while messages := platform.drop_messages():
        for task, object_id in messages:
            run = shards.run_shard if task == RUN_SHARD else score_evaluation
            run(platform.context, object_id)
            run(platform.context, object_id)
            sent.append(object_id)
    assert _fetch(platform, evaluation_id).verdict == Verdict.SCORED
    assert _count_replicas(platform, evaluation_id) == 16
    assert len(set(sent)) == len(sent)


def test_a_worker_that_lost_its_lease_changes_nothing(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    [(_, shard_id)] = platform.drop_messages()
    once = []

    def lose_the_lease(_request: object) -> None:
        if not once:
            once.append(1)
            _expire_leases(platform)
            sweep(platform.context)  # the janitor gives the shard away
            shards.run_shard(platform.context, shard_id)  # and another worker finishes it first

    platform.sandbox.before = lose_the_lease
    shards.run_shard(platform.context, shard_id)
    assert _fetch(platform, evaluation_id).shards[0].fence == 2
    assert _count_replicas(platform, evaluation_id) == 2
    platform.run_until_quiet()
    assert _count_replicas(platform, evaluation_id) == 16


def test_a_shard_whose_worker_died_goes_out_again(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    [(_, shard_id)] = platform.drop_messages()
    with transaction(platform.engine) as session:  # a worker claims it and is never heard of again
        leases.claim(session, Shard, shard_id, worker="dead", now=utc_now(), until=utc_now() + timedelta(seconds=30))
    sweep(platform.context)
    assert platform.step() == 0
    _expire_leases(platform)
    sweep(platform.context)
    platform.run_until_quiet()
    assert _fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_a_broken_sandbox_is_our_fault_and_is_retried_up_to_the_limit(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.sandbox_error = "the engine went away"
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert evaluation.verdict == Verdict.PLATFORM_ERROR
    assert "the engine went away" in evaluation.reason
    assert evaluation.shards[0].attempts == platform.context.settings.max_attempts


def test_what_is_held_runs_once_staff_sends_it(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    with transaction(platform.engine) as session:
        session.get_one(Evaluation, evaluation_id).held = Hold.FAILURES
    sent = len(platform.sandbox.requests)
    platform.step()
    assert (_fetch(platform, evaluation_id).status, len(platform.sandbox.requests)) == (Status.QUEUED, sent)
    with transaction(platform.engine) as session:
        locked = evaluations.lock_evaluation(session, evaluation_id)
        assert locked is not None
        assert "waits for staff" in locked.shards[0].fault
        requeue(session, locked)
    platform.run_until_quiet()
    assert _fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_a_sandbox_that_recovers_costs_the_participant_nothing(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.sandbox_error = "the engine went away"
    evaluation_id = platform.submit(competition)
    platform.step()
    platform.sandbox.sandbox_error = ""
    platform.run_until_quiet()
    assert _fetch(platform, evaluation_id).verdict == Verdict.SCORED


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome.EXCEPTION, Verdict.RUNTIME_ERROR),
        (Outcome.TIME_LIMIT, Verdict.TIME_LIMIT),
        (Outcome.MEMORY_LIMIT, Verdict.MEMORY_LIMIT),
        (Outcome.OUTPUT_LIMIT, Verdict.OUTPUT_LIMIT),
        (Outcome.OUTPUT_MISSING, Verdict.BAD_OUTPUT),
    ],
)
def test_a_participants_fault_ends_in_its_own_verdict_at_the_canary(
    platform: Platform, outcome: Outcome, verdict: Verdict
) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.outcome, platform.sandbox.error = outcome, "what it did"
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert evaluation.verdict == verdict
    assert evaluation.reason == "what it did"
    assert len(evaluation.shards) == 1


def test_a_hidden_problem_tells_the_code_and_nothing_else(platform: Platform) -> None:
    spec = expose(make_spec(), "private")
    competition = platform.open_competition(spec)
    platform.sandbox.outcome, platform.sandbox.error = Outcome.EXCEPTION, "ValueError: secret pixels 1 2 3"
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert evaluation.verdict == Verdict.RUNTIME_ERROR
    assert (evaluation.reason, evaluation.log) == ("", "")


def _put_nan(weights: bytes) -> bytes:
    state = {name: value.copy() for name, value in load(weights).items()}
    next(iter(state.values())).flat[0] = np.nan
    return bytes(save(state))


def _rename(weights: bytes) -> bytes:
    return bytes(save({f"other.{name}": value for name, value in load(weights).items()}))


@pytest.mark.parametrize("bend", [_put_nan, _rename, lambda weights: b"junk", lambda weights: weights[:-1]])
def test_weights_that_do_not_fit_are_the_participants_fault(platform: Platform, bend: object) -> None:
    competition = platform.open_competition(make_spec())
    platform.sandbox.bend = bend  # type: ignore[assignment]
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert evaluation.verdict == Verdict.BAD_OUTPUT
    assert evaluation.reason


def test_what_nobody_began_is_withdrawn_at_once(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    with transaction(platform.engine) as session:
        request_cancel(session, evaluation_id)
    assert _fetch(platform, evaluation_id).verdict == Verdict.WITHDRAWN
    platform.run_until_quiet()
    assert _count_replicas(platform, evaluation_id) == 0


def test_a_cancelled_run_ends_withdrawn_when_its_worker_lets_go(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)

    def cancel(_request: object) -> None:
        with transaction(platform.engine) as session:
            request_cancel(session, evaluation_id)

    platform.sandbox.before = cancel
    platform.step()
    assert _fetch(platform, evaluation_id).verdict == Verdict.WITHDRAWN


def test_a_cancelled_run_whose_worker_died_is_ended_by_the_janitor(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    [(_, shard_id)] = platform.drop_messages()
    with transaction(platform.engine) as session:
        leases.claim(session, Shard, shard_id, worker="dead", now=utc_now(), until=utc_now() + timedelta(seconds=30))
        request_cancel(session, evaluation_id)
    assert _fetch(platform, evaluation_id).status == Status.CANCELLING
    _expire_leases(platform)
    sweep(platform.context)
    assert _fetch(platform, evaluation_id).verdict == Verdict.WITHDRAWN


def test_what_the_outbox_still_holds_is_only_removed_once_the_broker_has_it(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition)
    sweep(platform.context)  # nobody listens: the message must stay
    platform.run_until_quiet()
    assert _fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_a_file_that_intake_refuses_at_the_worker_is_rejected(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    evaluation_id = platform.submit(competition, b"def something_else(): pass\n")
    platform.run_until_quiet()
    evaluation = _fetch(platform, evaluation_id)
    assert evaluation.verdict == Verdict.REJECTED
    assert evaluation.code == "ENTRYPOINT_MISSING"


def test_the_janitor_spares_the_sandboxes_of_live_leases(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    platform.submit(competition)
    [(_, shard_id)] = platform.drop_messages()
    with transaction(platform.engine) as session:
        leases.claim(session, Shard, shard_id, worker="w", now=utc_now(), until=utc_now() + timedelta(seconds=30))
    sweep(platform.context)
    assert platform.sandbox.killed[-1] == {f"lacuna-{shard_id}-1"}
