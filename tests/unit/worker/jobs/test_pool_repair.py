"""Lost chunks of sealed pools are made again, the same as they were sealed, or nothing is scored against them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.db.models.contests import Competition
from core.db.models.problems import Pool
from core.db.queries import competitions
from core.db.session import reading, transaction
from core.domain.pools import PoolKind
from core.domain.submission import Status, Verdict
from core.jobs import PREPARE, enqueue
from tests.unit.worker.conftest import Platform, make_spec
from tests.unit.worker.jobs.test_repair import compute_score, fetch, find_blob, read_score, run_to_scoring
from worker.training import pools

Lose = Callable[[Platform, dict[str, Any]], None]


def read_pool(platform: Platform, kind: PoolKind) -> Pool:
    with reading(platform.engine) as session:
        competition = competitions.fetch_competition(session, make_spec().slug)
        assert competition is not None
        found = competitions.fetch_pools(session, competition.spec.problem_id)
    return next(pool for pool in found if pool.kind == kind)


def read_competition(platform: Platform) -> Competition:
    with reading(platform.engine) as session:
        found = competitions.fetch_competition(session, make_spec().slug)
    assert found is not None
    return found


def find_chunk(platform: Platform, kind: PoolKind) -> dict[str, Any]:
    seal = read_pool(platform, kind).seal
    assert seal is not None
    return dict(seal["chunks"][0])


def find_ref(platform: Platform, chunk: dict[str, Any]) -> Path:
    return platform.context.settings.store_folder / "refs" / f"{chunk['name']}.ref"


def lose_blob(platform: Platform, chunk: dict[str, Any]) -> None:
    find_blob(platform, chunk["digest"]).unlink()


def damage_blob(platform: Platform, chunk: dict[str, Any]) -> None:
    find_blob(platform, chunk["digest"]).write_bytes(b"rot")


def lose_name(platform: Platform, chunk: dict[str, Any]) -> None:
    find_ref(platform, chunk).unlink()


def damage_name(platform: Platform, chunk: dict[str, Any]) -> None:
    find_ref(platform, chunk).write_text("rot")


@pytest.mark.parametrize("lose", [lose_blob, damage_blob, lose_name, damage_name])
def test_a_lost_chunk_is_made_again_and_the_score_is_the_same(platform: Platform, lose: Lose) -> None:
    evaluation_id = run_to_scoring(platform)
    wanted, chunk = compute_score(platform, evaluation_id), find_chunk(platform, PoolKind.RETRAINED)
    before = read_pool(platform, PoolKind.RETRAINED)
    lose(platform, chunk)
    platform.step()
    row = fetch(platform, evaluation_id)
    assert (row.status, row.score_attempts) == (Status.SCORING, 1)
    assert read_pool(platform, PoolKind.RETRAINED).chunks[0].state == "pending"
    platform.run_without_pauses(evaluation_id)
    assert read_score(platform, evaluation_id) == wanted
    after = read_pool(platform, PoolKind.RETRAINED)
    assert (after.state, after.seal, after.sealed_at) == (before.state, before.seal, before.sealed_at)
    assert platform.context.store.get_ref(chunk["name"]) == chunk["digest"]
    assert read_competition(platform).state == "open"


def test_a_shard_waits_for_lost_originals_and_is_not_charged(platform: Platform) -> None:
    competition = platform.open_competition(make_spec())
    chunk = find_chunk(platform, PoolKind.ORIGINAL)
    find_blob(platform, chunk["members"][0]).write_bytes(b"rot")
    evaluation_id = platform.submit(competition)
    platform.run_until_quiet()
    row = fetch(platform, evaluation_id)
    assert row.verdict == Verdict.SCORED
    assert [shard.failures for shard in row.shards] == [0, 0, 0]
    assert platform.context.store.get(chunk["members"][0])


def test_nothing_is_scored_against_a_chunk_that_comes_out_otherwise(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation_id = run_to_scoring(platform)
    wanted, chunk = compute_score(platform, evaluation_id), find_chunk(platform, PoolKind.CONTROL)
    kept = find_blob(platform, chunk["digest"]).read_bytes()
    lose_blob(platform, chunk)
    train = pools.train_chunk

    def train_otherwise(*args: Any, **options: Any) -> Any:
        trained = train(*args, **options)
        return replace(trained, outputs=replace(trained.outputs, forget_logits=trained.outputs.forget_logits + 1))

    monkeypatch.setattr(pools, "train_chunk", train_otherwise)
    platform.run_without_pauses(evaluation_id)
    row, found = fetch(platform, evaluation_id), read_pool(platform, PoolKind.CONTROL).chunks[0]
    assert (row.status, row.score_attempts) == (Status.SCORING, 1)  # it waits, and is not given up
    assert found.state == "abandoned"
    assert chunk["name"] in found.fault
    assert chunk["digest"][:12] in found.fault
    assert found.fault in row.score_fault
    assert platform.context.store.put(kept) == chunk["digest"]  # from a backup
    with transaction(platform.engine) as session:
        enqueue(session, PREPARE, read_competition(platform).spec.problem_id)
    platform.run_without_pauses(evaluation_id)
    assert read_score(platform, evaluation_id) == wanted
