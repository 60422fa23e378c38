"""`lacuna evaluate` over several originals and requests: what runs where, and one scorecard of all of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.domain.errors import InvalidInput
from core.domain.pools import PoolKind
from core.domain.submission import Verdict
from core.problems import ProblemSpec, cut_evaluation
from core.scorecard import ScorecardRecord
from core.settings import Settings
from evaluator import METRIC_VERSION
from sandbox.contract import ENTRY_FILE, Role
from tests.unit.worker.conftest import HONEST, FakeSandbox, make_spec
from worker.local_evaluation import LocalEvaluation, evaluate_submission
from worker.problems import load_requests
from worker.scorecard.card import compute_scorecard
from worker.scorecard.pairs import compute_score

PLAIN = make_spec(replicas=64, calibration_replicas=4)
FILES = {ENTRY_FILE: HONEST}


def make_contest(spec: ProblemSpec = PLAIN, **changes: Any) -> ProblemSpec:
    """Two requests of a quarter each on two originals."""
    values = spec.model_dump(mode="json")
    forget = values.pop("forget")
    requests = [{**forget, "fraction": 0.25, "seed": seed} for seed in (2, 3)]
    return ProblemSpec.model_validate(
        {**values, "requests": requests, "pools": {**values["pools"], "originals": 2}, **changes}
    )


def evaluate(home: Path, spec: ProblemSpec, sandbox: FakeSandbox, **options: Any) -> LocalEvaluation:
    return evaluate_submission(
        spec,
        FILES,
        settings=Settings(data_folder=home, workers=1),
        sandbox=sandbox,
        **{"replicas": None, "gate": True, "on_progress": lambda stage, done, total: None, **options},
    )


@pytest.fixture(scope="module")
def contest(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[FakeSandbox, LocalEvaluation, list[tuple[str, int, int]]]:
    told: list[tuple[str, int, int]] = []
    sandbox = FakeSandbox()
    found = evaluate(
        tmp_path_factory.mktemp("home"), make_contest(), sandbox, on_progress=lambda *stage: told.append(stage)
    )
    return sandbox, found, told


def read(found: LocalEvaluation) -> ScorecardRecord:
    assert found.verdict is Verdict.SCORED, found.reason
    assert found.scorecard is not None
    return found.scorecard


def test_every_original_meets_every_request_equally_often(
    contest: tuple[FakeSandbox, LocalEvaluation, list[tuple[str, int, int]]],
) -> None:
    runs = [run for run in contest[0].requests if run.files[ENTRY_FILE] == HONEST and run.orders]
    splits = [load.splits for load in load_requests(make_contest())]
    entries = [[order for order in run.orders if order.role is Role.ENTRY] for run in runs]
    assert len({run.splits for run in runs}) == 3  # two requests and the swap test
    cuts = cut_evaluation(make_contest(), 64)
    for request, box in enumerate(entries[:2]):
        own = [index for cut in cuts if cut.request == request for index in range(cut.first, cut.first + cut.count)]
        assert (len(own), len(box)) == (32, 33 - request)  # one of the first request runs again
        assert [sum(order.original == place and order.index in own for order in box) for place in (0, 1)] == [16, 16]
    assert len(entries[2]) == 2
    assert len(runs[0].originals) == 2
    assert runs[0].originals == runs[1].originals  # the same models, whatever is to be forgotten
    assert not set(splits[0].forget.ids.tolist()) & set(splits[1].forget.ids.tolist())


def test_the_score_is_the_mean_over_the_pairs(
    contest: tuple[FakeSandbox, LocalEvaluation, list[tuple[str, int, int]]],
) -> None:
    record = read(contest[1])
    pairs = record.pairs
    assert pairs is not None
    assert pairs.scores is not None
    assert (pairs.originals, pairs.requests, np.shape(pairs.scores)) == (2, 2, (2, 2))
    assert record.score.estimate == pytest.approx(np.mean(pairs.scores))
    assert record.score.low <= record.score.estimate <= record.score.high
    noise = pairs.noise
    assert noise is not None
    assert sum(filter(None, noise.model_dump().values())) == pytest.approx(1)
    assert (record.replicas.unlearned, record.replicas.originals) == (64, 2)
    assert record.epsilon.per_example is not None
    assert len(record.epsilon.per_example) == sum(record.epsilon.counts) == 64


def test_progress_counts_everything_once(
    contest: tuple[FakeSandbox, LocalEvaluation, list[tuple[str, int, int]]],
) -> None:
    for stage, total in (("pools", 68), ("replicas", 64), ("calibration", 4)):
        done = [(at, of) for name, at, of in contest[2] if name == stage]
        assert [at for at, _ in done] == sorted(at for at, _ in done)
        assert done[-1] == (total, total)
        assert {of for _, of in done} == {total}


def test_too_few_replicas_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    with pytest.raises(InvalidInput, match="a score needs 16 of each"):
        evaluate(tmp_path, make_contest(), sandbox, replicas=32)
    overlapping = [{"kind": "ids", "ids": [1, 2]}, {"kind": "ids", "ids": [2, 3]}]
    with pytest.raises(ValueError, match="same examples"):
        make_contest(requests=overlapping)
    assert sandbox.requests == []


def test_one_original_and_one_request_are_scored_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []

    def spy(runs: Any, facts: Any, store: Any, *, metric: Any) -> Any:
        kept.extend([runs, facts, store])
        return compute_score(runs, facts, store, metric=metric)

    monkeypatch.setattr("worker.local_evaluation.compute_score", spy)
    record = read(evaluate(tmp_path, make_spec(replicas=16, calibration_replicas=4), FakeSandbox()))
    (runs,), facts, store = kept
    assert record.pairs is None
    whole = compute_scorecard(
        runs.problem, runs.outputs, runs.pools, replace(facts, checks=runs.checks), store, metric=METRIC_VERSION
    )
    assert record == whole.record
    assert set(runs.pools) == set(PoolKind)
