"""Outputs that are gone or damaged are made again, and the score is the one of an undisturbed run."""

from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load, save

from core.db.models.submissions import Evaluation
from core.db.queries import evaluations
from core.db.session import reading, transaction
from core.domain.submission import Status, Verdict
from core.domain.work import SCORE_TRIES
from core.jobs import SCORE
from core.scorecard import dump_scorecard
from sandbox.contract import Outcome
from tests.unit.worker.conftest import DELIVER, Platform, make_spec
from worker.jobs import scores

REPAIRED = ["queued", "canary", "running", "scoring", "running", "scoring", "finished"]


def fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        found = evaluations.fetch_evaluation(session, evaluation_id)
    assert found is not None
    return found


def run_to_scoring(platform: Platform) -> str:
    evaluation_id = platform.submit(platform.open_competition(make_spec()))
    while fetch(platform, evaluation_id).status != Status.SCORING:
        platform.step()
    return evaluation_id


def compute_score(platform: Platform, evaluation_id: str) -> dict[str, Any]:
    """What would be stored if nothing were lost."""
    work = scores._load(platform.context, evaluation_id)
    assert work is not None
    drawn = scores._work(platform.context, work)
    with transaction(platform.engine) as session:
        session.get_one(Evaluation, evaluation_id).scoring_until = None
    return dump_scorecard(drawn.record)


def read_score(platform: Platform, evaluation_id: str) -> dict[str, Any]:
    with reading(platform.engine) as session:
        card = evaluations.fetch_scorecard(session, evaluation_id)
    assert card is not None
    return card.body


def read_rows(platform: Platform, evaluation_id: str) -> list[tuple[str, int, str, float]]:
    with reading(platform.engine) as session:
        rows = evaluations.fetch_replicas(session, evaluation_id)
        return [(row.id, row.position, row.weights_sha256, row.cpu_seconds) for row in rows]


def read_history(platform: Platform, evaluation_id: str) -> list[tuple[str, str]]:
    with reading(platform.engine) as session:
        return [(event.status, event.detail) for event in evaluations.fetch_events(session, evaluation_id)]


def find_blob(platform: Platform, digest: str | None) -> Path:
    assert digest is not None
    return platform.context.settings.store_folder / "blobs" / digest[:2] / digest


def lose_outputs(platform: Platform, evaluation_id: str, *positions: int) -> None:
    for shard in fetch(platform, evaluation_id).shards:
        if shard.position in positions:
            find_blob(platform, shard.outputs_digest).unlink()


@pytest.mark.parametrize("is_damaged", [False, True])
def test_lost_outputs_are_made_again(platform: Platform, is_damaged: bool) -> None:
    evaluation_id = run_to_scoring(platform)
    wanted, rows = compute_score(platform, evaluation_id), read_rows(platform, evaluation_id)
    if is_damaged:
        find_blob(platform, fetch(platform, evaluation_id).shards[1].outputs_digest).write_bytes(b"rot")
    else:
        lose_outputs(platform, evaluation_id, 0, 2)
    platform.run_until_quiet()
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED
    assert read_score(platform, evaluation_id) == wanted
    assert read_rows(platform, evaluation_id) == rows
    history = read_history(platform, evaluation_id)
    assert [status for status, _ in history] == REPAIRED
    spans = "3-9" if is_damaged else "1-2, 10-16"
    assert [detail for _, detail in history if detail] == [f"replicas {spans} run again: outputs were lost"]


@pytest.mark.parametrize("kind", ["reruns", "swapped"])
def test_what_the_canary_ran_besides_is_made_again(platform: Platform, kind: str) -> None:
    evaluation_id = run_to_scoring(platform)
    wanted = compute_score(platform, evaluation_id)
    store = platform.context.store
    find_blob(platform, store.get_ref(f"{kind}/{evaluation_id}")).unlink()
    platform.run_until_quiet()
    assert read_score(platform, evaluation_id) == wanted


def test_replicas_that_come_out_otherwise_are_the_platforms_fault_and_said(platform: Platform) -> None:
    evaluation_id = run_to_scoring(platform)
    lose_outputs(platform, evaluation_id, 2)
    platform.sandbox.bend = lambda weights: bytes(save({name: value * 2 for name, value in load(weights).items()}))
    before = read_rows(platform, evaluation_id)
    platform.run_until_quiet()
    after = read_rows(platform, evaluation_id)
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED
    assert [old[:2] for old in before] == [new[:2] for new in after]
    assert [old[2] == new[2] for old, new in zip(before, after, strict=True)] == [True] * 9 + [False] * 7
    assert any("a fault of the platform" in detail for _, detail in read_history(platform, evaluation_id))


def test_a_run_for_lost_outputs_that_fails_is_not_blamed_on_the_author(platform: Platform) -> None:
    evaluation_id = run_to_scoring(platform)
    wanted = compute_score(platform, evaluation_id)
    lose_outputs(platform, evaluation_id, 1)
    platform.step()
    platform.sandbox.outcome = Outcome.TIME_LIMIT
    platform.step()
    row = fetch(platform, evaluation_id)
    assert (row.status, row.code) == (Status.RUNNING, None)
    platform.sandbox.outcome = Outcome.OK
    platform.run_until_quiet()
    assert read_score(platform, evaluation_id) == wanted


def test_outputs_that_are_lost_again_and_again_are_given_up(platform: Platform) -> None:
    evaluation_id = run_to_scoring(platform)
    for _ in range(2 * SCORE_TRIES):
        for task, object_id in platform.drop_messages():
            if task == SCORE:
                lose_outputs(platform, evaluation_id, 1)
            DELIVER[task](platform.context, object_id)
    row = fetch(platform, evaluation_id)
    assert row.verdict == Verdict.PLATFORM_ERROR
    assert "is not in the store" in row.reason


def test_an_uploaded_file_that_is_gone_ends_as_our_error_and_is_refunded(platform: Platform) -> None:
    evaluation_id = platform.submit(platform.open_competition(make_spec()))
    find_blob(platform, fetch(platform, evaluation_id).submission.source_digest).unlink()
    platform.run_until_quiet()
    row = fetch(platform, evaluation_id)
    assert row.verdict == Verdict.PLATFORM_ERROR
    assert row.reason == "the uploaded file is gone from the platform's store: it has to be submitted again"
    with reading(platform.engine) as session:
        submission = row.submission
        assert evaluations.count_submissions_since(session, submission.competition_id, submission.user_id) == 0
