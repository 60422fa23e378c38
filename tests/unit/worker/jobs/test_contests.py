"""A competition of several originals and requests, from its pools to its board, early ends and lost chunks."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation
from core.db.queries import boards, competitions, evaluations
from core.db.session import reading
from core.domain.exposure import Exposure, Reader, Sight
from core.domain.pools import PoolKind
from core.domain.submission import Status, Verdict
from core.problems import ProblemSpec
from core.scorecard import ScorecardRecord, dump_scorecard, read_scorecard
from core.showing import show_scorecard
from sandbox.contract import Role
from tests.unit.worker.conftest import HONEST, Platform, make_spec
from tests.unit.worker.jobs.test_looks import BAD, _ruin, _run_in_turn
from tests.unit.worker.jobs.test_pool_repair import find_blob
from worker.jobs.repair import send_lost_chunks

PAIRS = 4


def make_contest(**evaluation: Any) -> ProblemSpec:
    """Two requests of a quarter each on two originals."""
    values = make_spec(
        **{"replicas": 64, "canary_replicas": 4, "shard_replicas": 14, "calibration_replicas": 4, **evaluation}
    ).model_dump(mode="json")
    forget = values.pop("forget")
    requests = [{**forget, "fraction": 0.25, "seed": seed} for seed in (2, 3)]
    return ProblemSpec.model_validate({**values, "requests": requests, "pools": {**values["pools"], "originals": 2}})


@pytest.fixture
def opened(platform: Platform) -> Competition:
    return platform.open_competition(make_contest())


def fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        row = evaluations.fetch_evaluation(session, evaluation_id)
    assert row is not None
    return row


def fetch_record(platform: Platform, evaluation_id: str) -> ScorecardRecord:
    with reading(platform.engine) as session:
        card = evaluations.fetch_scorecard(session, evaluation_id)
    assert card is not None
    return card.record


def test_every_request_has_pools_of_its_own_and_the_same_originals(platform: Platform, opened: Competition) -> None:
    with reading(platform.engine) as session:
        pools = competitions.fetch_pools(session, opened.spec.problem_id)
    assert Counter((pool.kind, pool.request) for pool in pools) == dict.fromkeys(
        [(kind, request) for kind in PoolKind for request in (0, 1)], 1
    )
    members = {
        (pool.kind, pool.request): [each for chunk in (pool.seal or {})["chunks"] for each in chunk["members"]]
        for pool in pools
    }
    assert members[PoolKind.ORIGINAL, 0] == members[PoolKind.ORIGINAL, 1]
    assert not set(members[PoolKind.RETRAINED, 0]) & set(members[PoolKind.RETRAINED, 1])


def test_calibration_runs_on_every_request(platform: Platform, opened: Competition) -> None:
    with reading(platform.engine) as session:
        runs = competitions.fetch_calibration_runs(session, opened.spec_id, platform.context.settings.node_class)
        shards = [(shard.request, shard.count) for run in runs[:1] for shard in fetch(platform, run.id).shards]
    assert sorted(shards) == [(0, 2), (1, 2)]


def test_an_entry_is_scored_by_the_mean_over_all_pairs(platform: Platform, opened: Competition) -> None:
    evaluation_id = platform.submit(opened)
    platform.run_until_quiet()
    row, record = fetch(platform, evaluation_id), fetch_record(platform, evaluation_id)
    assert (row.status, row.verdict, row.reason) == (Status.FINISHED, Verdict.SCORED, "")
    counts = Counter(
        (index % 2, shard.request) for shard in row.shards for index in range(shard.first, shard.first + shard.count)
    )
    assert counts == dict.fromkeys([(original, request) for original in (0, 1) for request in (0, 1)], 16)
    assert record.pairs is not None
    assert record.pairs.scores is not None
    assert row.score == record.score.estimate == pytest.approx(np.mean(record.pairs.scores))
    assert row.score_draws is not None
    assert np.mean(row.score_draws) == pytest.approx(row.score)
    assert len(row.score_draws) == 32 + 2 + 2
    with reading(platform.engine) as session:
        lines = boards.fetch_ranked(session, _find_board(session, opened), 10**6, 0, 10)
    assert [line.body["noise_shared"] for line in lines] == [pytest.approx(record.pairs.noise.shared)]  # type: ignore[union-attr]


def _find_board(session: Any, competition: Competition) -> str:
    found = boards.fetch_board(session, competition.id, competition.spec_id)
    assert found is not None
    return str(found.id)


def test_a_box_sees_one_request_and_all_originals(platform: Platform, opened: Competition) -> None:
    platform.sandbox.requests.clear()
    platform.submit(opened)
    platform.run_until_quiet()
    boxes = [run for run in platform.sandbox.requests if run.files["submission.py"] == HONEST]
    runs = {splits: sum(_count(run) for run in boxes if run.splits == splits) for splits in {b.splits for b in boxes}}
    assert sorted(runs.values()) == [2, 32, 33]  # the swap test; a request; the other, with a rerun
    assert {len(run.originals) for run in boxes} == {2}


def _count(run: Any) -> int:
    return sum(order.role is Role.ENTRY for order in run.orders)


def test_participants_of_a_hidden_problem_learn_no_score_of_a_pair(platform: Platform, opened: Competition) -> None:
    evaluation_id = platform.submit(opened)
    platform.run_until_quiet()
    record = fetch_record(platform, evaluation_id)
    shown = show_scorecard(record, Sight(Reader.AUTHOR, Exposure.PUBLIC), "0" * 64)
    told = dump_scorecard(shown)
    assert told["pairs"] == {"originals": 2, "requests": 2}
    assert read_scorecard(told).pairs == shown.pairs
    assert show_scorecard(record, Sight(Reader.STAFF, Exposure.PUBLIC), None).pairs == record.pairs


def test_a_lost_chunk_of_the_second_request_is_made_again(platform: Platform, opened: Competition) -> None:
    with reading(platform.engine) as session:
        pools = competitions.fetch_pools(session, opened.spec.problem_id)
    (pool,) = (pool for pool in pools if (pool.kind, pool.request) == (PoolKind.RETRAINED, 1))
    digest = (pool.seal or {})["chunks"][0]["digest"]
    store = platform.context.store
    find_blob(platform, digest).unlink()
    assert send_lost_chunks(platform.context, opened.spec.problem_id)
    platform.run_until_quiet()
    assert store.has(digest)


def test_an_entry_far_behind_ends_early_once_every_pair_can_be_scored(platform: Platform) -> None:
    adaptive = {"alpha": 0.99, "rival_place": 1, "min_replicas": 64}
    competition = platform.open_competition(make_contest(replicas=128, adaptive=adaptive))
    platform.submit(competition)
    platform.run_until_quiet()
    platform.sandbox.bend = _ruin
    second = platform.submit(competition, BAD)
    _run_in_turn(platform)
    row = fetch(platform, second)
    assert row.decided_early
    assert 64 <= (row.scored_replicas or 0) < 128
    assert fetch_record(platform, second).replicas.unlearned == row.scored_replicas
