import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.domain.pools import PoolKind
from core.scorecard import MetricLine
from core.storage import FolderStore
from evaluator import compute_confidence
from evaluator.metrics.klom import klom
from tests.tiny_problems import make_tiny_spec
from worker.problems import LoadedProblem, load_problem
from worker.replicas.outputs import ModelOutputs
from worker.replicas.seconds import RunSeconds
from worker.scorecard import metrics
from worker.scorecard.cost import RetrainCost
from worker.scorecard.metric_list import METRICS
from worker.scorecard.metrics import describe_metrics, load_untrained
from worker.training.pools import Pool, TrainingPlan, ensure_pools, pool_sizes

RUN = RunSeconds(wall=(30.0, 90.0), cpu=(30.0, 90.0))
COST = RetrainCost(RunSeconds((600.0, 600.0), (600.0, 600.0)), RunSeconds((1.0, 1.0), (1.0, 1.0)))
Pools = Mapping[PoolKind, Pool]
Card = dict[str, MetricLine]


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    return load_problem(make_tiny_spec())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    return FolderStore(tmp_path_factory.mktemp("store"))


def train(problem: LoadedProblem, store: FolderStore) -> Pools:
    sizes = pool_sizes(problem.spec)
    return ensure_pools(problem, sizes, store, on_progress=lambda *_: None, plan=TrainingPlan(workers=1))


@pytest.fixture(scope="module")
def pools(problem: LoadedProblem, store: FolderStore) -> Pools:
    return train(problem, store)


def describe(problem: LoadedProblem, outputs: ModelOutputs, pools: Pools, store: FolderStore) -> Card:
    return {entry.id: entry for entry in describe_metrics(problem, outputs, pools, run=RUN, retrain=COST, store=store)}


@pytest.fixture(scope="module")
def control_card(problem: LoadedProblem, pools: Pools, store: FolderStore) -> Card:
    return describe(problem, pools[PoolKind.CONTROL].outputs, pools, store)


def test_every_listed_metric_is_described_once(control_card: Card) -> None:
    assert list(control_card) == [metric.id for metric in METRICS]
    assert len({metric.id for metric in METRICS}) == len(METRICS)
    for entry in control_card.values():
        assert entry.value is not None, entry
        assert entry.retrained is not None, entry
        assert entry.originals_per_run == 1
        assert entry.better in ("lower", "higher", "closer to retrained")
        assert entry.variant
        assert entry.source
    json.dumps([entry.model_dump() for entry in control_card.values()], allow_nan=False)


def test_the_control_bank_gets_what_stands_beside_a_comparison_of_two_pools(control_card: Card) -> None:
    for name in ("d_kl", "js", "ulira_accuracy", "klom_retain", "klom_mean_validation", "avg_gap", "avg_d"):
        assert control_card[name].value == pytest.approx(control_card[name].retrained)
    assert control_card["klom_excess_forget"].value == pytest.approx(0.0)
    assert control_card["avg_gap"].value > 0


def test_the_retrained_pool_stands_beside_a_metric_of_single_models(
    problem: LoadedProblem, pools: Pools, store: FolderStore
) -> None:
    card = describe(problem, pools[PoolKind.RETRAINED].outputs, pools, store)
    for name in ("ua", "ra", "mia_eff", "mia_sfr", "mia_add", "mia_kit_scrub", "zrf", "sum"):
        assert card[name].value == card[name].retrained
    assert card["avg_gap"].value == card["avg_d"].value == 0
    assert card["klom_forget"].value == card["d_kl"].value == 0


def test_values_are_those_of_the_definitions(problem: LoadedProblem, pools: Pools, control_card: Card) -> None:
    ours, theirs = pools[PoolKind.CONTROL].outputs, pools[PoolKind.RETRAINED].outputs
    assert control_card["ua"].value == pytest.approx(100 - 100 * ours.forget_accuracy.mean())
    margins = [
        compute_confidence(part.forget_logits, problem.splits.forget.y).astype(np.float32) for part in (ours, theirs)
    ]
    assert control_card["klom_forget"].value == pytest.approx(np.percentile(klom(*margins), 95))
    assert control_card["klom_retain"].value == pytest.approx(
        np.percentile(klom(ours.retain_confidence, theirs.retain_confidence), 95)
    )
    low, high = control_card["klom_mean_forget"].interval
    assert low < control_card["klom_mean_forget"].value < high
    assert control_card["mia_eff"].models == 16


def test_the_time_of_a_run_is_told_in_seconds_and_minutes(control_card: Card) -> None:
    assert (control_card["rte"].value, control_card["rte"].standard_error) == (60.0, 30.0)
    assert control_card["rte_minutes"].value == 1.0
    assert control_card["rte_minutes"].retrained == 10.0


def test_the_retrained_side_is_computed_once(
    problem: LoadedProblem, pools: Pools, store: FolderStore, control_card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    real = metrics.measure_pool

    def count(problem: LoadedProblem, outputs: ModelOutputs, untrained: Any) -> metrics.Table:
        counted.append(len(outputs))
        return real(problem, outputs, untrained)

    monkeypatch.setattr(metrics, "measure_pool", count)
    assert describe(problem, pools[PoolKind.CONTROL].outputs, pools, store) == control_card
    assert counted == [16]


def test_a_smaller_pool_is_compared_at_its_own_size(problem: LoadedProblem, pools: Pools, store: FolderStore) -> None:
    card = describe(problem, pools[PoolKind.CONTROL].outputs.select(slice(0, 8)), pools, store)
    for name in ("klom_forget", "ulira_auc", "d_kl"):
        assert card[name].models == 8
        assert card[name].value == pytest.approx(card[name].retrained)


def test_a_single_model_has_accuracies_but_nothing_to_compare(
    problem: LoadedProblem, pools: Pools, store: FolderStore
) -> None:
    card = describe(problem, pools[PoolKind.CONTROL].outputs.select(slice(0, 1)), pools, store)
    assert card["ua"].value is not None
    assert card["ua"].standard_error is None
    for name in ("klom_forget", "klom_excess_retain", "ulira_auc"):
        assert card[name].value is None
        assert card[name].note


def test_what_cannot_be_asked_of_a_problem_is_missing_with_a_reason(store: FolderStore) -> None:
    spec = make_tiny_spec(forget={"kind": "class", "class_index": 3})
    problem = load_problem(spec)
    pools = train(problem, store)
    card = describe(problem, pools[PoolKind.CONTROL].outputs, pools, store)
    assert card["mia_kit_scrub"].value is None
    assert "needs 10 test examples, got 0" in card["mia_kit_scrub"].note
    assert card["mia_kit"].value is not None
    assert card["avg_gap"].value is not None
    assert 0 < card["f_neighbour"].value == card["f_neighbour"].retrained <= 1


def test_what_was_not_measured_has_no_value(problem: LoadedProblem, pools: Pools, store: FolderStore) -> None:
    control = pools[PoolKind.CONTROL].outputs
    card = describe(problem, replace(control, relearn_retain_loss=-np.ones_like(control.relearn_loss)), pools, store)
    assert (card["relearn_retain"].value, card["relearn_retain"].note) == (None, "no model was trained on retain")
    assert card["relearn_retain"].retrained > 0


def test_untrained_networks_differ_and_are_kept(problem: LoadedProblem, store: FolderStore) -> None:
    first = load_untrained(problem, store)
    assert first.shape == (8, len(problem.splits.forget), 10)
    assert len({row.tobytes() for row in first}) == 8
    np.testing.assert_array_equal(load_untrained(problem, store), first)
    assert list((store.folder / "refs" / "untrained").iterdir())


def test_comparisons_of_two_pools_have_intervals_around_their_values(control_card: Card) -> None:
    names = ("avg_gap", "avg_d", "sum", "ulira_accuracy", "ulira_auc", "ulira_tpr", "klom_excess_forget")
    for name in (*names, "klom_excess_retain", "klom_excess_validation"):
        entry = control_card[name]
        low, high = entry.interval
        assert low <= entry.value <= high
        assert low < high
        assert entry.standard_error > 0


def test_a_single_model_has_aggregates_without_an_interval(
    problem: LoadedProblem, pools: Pools, store: FolderStore
) -> None:
    card = describe(problem, pools[PoolKind.CONTROL].outputs.select(slice(0, 1)), pools, store)
    assert card["avg_gap"].value is not None
    assert card["avg_gap"].interval is None
    assert card["avg_gap"].standard_error is None


def test_the_excess_is_taken_over_as_many_control_models_as_there_are(
    problem: LoadedProblem, pools: Pools, store: FolderStore
) -> None:
    fewer = pools[PoolKind.CONTROL]
    short = {**pools, PoolKind.CONTROL: replace(fewer, outputs=fewer.outputs.select(slice(0, 10)), digest="0" * 64)}
    card = describe(problem, pools[PoolKind.RETRAINED].outputs, short, store)
    assert card["klom_excess_forget"].models == 10
