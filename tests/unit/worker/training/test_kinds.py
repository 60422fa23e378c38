"""A regression is trained, measured and relearned by the same paths: every strategy gives the plain loop's models."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load

from core.domain.errors import InvalidInput
from core.domain.headroom import Trainer
from core.domain.pools import PoolKind
from sandbox.kinds.parts import Words
from tests.tiny_problems import make_tiny_spec, write_glosses
from worker.problems import LoadedProblem, load_problem
from worker.replicas.measurement import measure_network
from worker.replicas.relearn import measure_relearning
from worker.scorecard.metric_list import OF_CLASSES
from worker.scorecard.metrics import compare_pools, measure_pool
from worker.scorecard.scored import make_scored_pool
from worker.training import headroom, one_by_one, stacked
from worker.training.chunks import pool_chunks, train_chunk
from worker.training.members import member_seed

CPU = torch.device("cpu")
SEEDS = [member_seed(7, PoolKind.RETRAINED, index) for index in range(3)]
DIABETES = {
    "kind": "tabular_regression",
    "data": {"package": "diabetes"},
    "split": {"train": 120, "validation": 20, "test": 60, "label_noise": 0.0, "seed": 5},
    "recipe": {"epochs": 3, "batch_size": 32, "learning_rate": 0.1},
}


@pytest.fixture(scope="module")
def patients() -> LoadedProblem:
    torch.set_num_threads(1)
    return load_problem(make_tiny_spec(**DIABETES))


def test_a_stacked_member_is_the_singly_trained_one(patients: LoadedProblem) -> None:
    together = stacked.train_members(patients, PoolKind.RETRAINED, SEEDS, device=CPU)
    for member, seed in enumerate(SEEDS):
        alone = one_by_one.train_one(patients, PoolKind.RETRAINED, seed, device=CPU).state_dict()
        fast = one_by_one.train_fast(patients, PoolKind.RETRAINED, seed, device=CPU).state_dict()
        for name, value in load(together.weights[member]).items():
            torch.testing.assert_close(value, alone[name], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(fast[name], alone[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("package", ["text_bag", "text_transformer"])
def test_a_text_is_trained_on_its_tokens_and_shown_in_words(package: str, tmp_path: Path) -> None:
    options = {"topics": [4, 5], "vocabulary": 12, "length": 8}
    spec = make_tiny_spec(
        kind="text_classification",
        data={"package": "wordnet", "options": options},
        network={"package": package, "options": {"vocabulary": 12, "width": 8}},
        split={"train": 40, "validation": 8, "test": 12, "label_noise": 0.0, "seed": 5},
        recipe={"epochs": 8, "batch_size": 8, "learning_rate": 0.2, "weight_decay": 0.0},
    )
    problem = load_problem(spec, write_glosses(tmp_path))
    alone = one_by_one.train_one(problem, PoolKind.RETRAINED, SEEDS[0], device=CPU)
    together = stacked.train_members(problem, PoolKind.RETRAINED, SEEDS[:2], device=CPU)
    for name, value in load(together.weights[0]).items():
        torch.testing.assert_close(value, alone.state_dict()[name], rtol=1e-3, atol=1e-4)
    assert measure_network(alone, problem).retain_accuracy[0] > 0.8
    shown = problem.kind.inputs.show(problem.splits.forget.x[0], problem.input_names)
    assert isinstance(shown, Words)
    assert set(shown.text.split()) <= set(problem.input_names)


def test_attacks_see_minus_the_squared_error(patients: LoadedProblem) -> None:
    outputs = stacked.train_members(patients, PoolKind.RETRAINED, SEEDS, device=CPU).outputs
    forget = patients.splits.forget
    expected = -((outputs.forget_logits[:, :, 0].astype(np.float64) - forget.y) ** 2)
    pool = make_scored_pool(patients, outputs)
    np.testing.assert_allclose(pool.confidences, expected)
    assert np.asarray(pool.test_confidences).shape == (3, len(patients.splits.test))
    assert outputs.retain_entropy.shape == (3, 0)


def test_metrics_of_classes_are_left_out_with_a_reason(patients: LoadedProblem) -> None:
    outputs = stacked.train_members(patients, PoolKind.RETRAINED, SEEDS, device=CPU).outputs
    untrained = np.zeros((8, len(patients.splits.forget), 1), np.float32)
    table = measure_pool(patients, outputs, untrained) | compare_pools(patients, outputs, outputs)
    missing = {name for name, found in table.items() if found.value is None}
    assert missing >= OF_CLASSES
    assert "tabular_regression" in table["d_kl"].note
    assert table["ra"].value == pytest.approx(100 * outputs.retain_accuracy.mean())
    assert table["klom_forget"].value == pytest.approx(0.0, abs=1e-9)


def test_relearning_follows_the_squared_error(patients: LoadedProblem) -> None:
    curves = measure_relearning(one_by_one.train_one(patients, PoolKind.RETRAINED, 1, device=CPU), patients)
    assert curves.relearn_loss[-1] < curves.relearn_loss[0]


def test_a_linear_layer_ends_at_the_ridge_regression(patients: LoadedProblem) -> None:
    changes = {"network": {"package": "digits", "options": {"hidden": []}}}
    recipe = {"epochs": 150, "batch_size": 25, "learning_rate": 0.05, "weight_decay": 0.1}
    problem = load_problem(make_tiny_spec(**{**DIABETES, **changes, "recipe": recipe}))
    retain = problem.splits.retain
    x = np.concatenate([retain.x, np.ones((len(retain), 1))], axis=1).astype(np.float64)  # the bias is held down too
    best = np.linalg.solve(x.T @ x + len(x) * 0.1 / 2 * np.eye(x.shape[1]), x.T @ retain.y)
    state = load(stacked.train_members(problem, PoolKind.RETRAINED, SEEDS[:1], device=CPU).weights[0])
    found = torch.cat([state["fc.weight"][0], state["fc.bias"]]).numpy()
    np.testing.assert_allclose(found, best, atol=0.01)


def test_the_trainer_of_cross_entropy_alone_is_not_tried(patients: LoadedProblem) -> None:
    assert set(headroom.find_trainers(patients, CPU)) == set(Trainer) - {Trainer.NUMPY}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "image_classification"}, "the data are not those of image_classification: labels must be"),
        ({"data": {"package": "digits"}}, "the data are not those of tabular_regression: targets must be real"),
        ({"forget": {"kind": "class", "class_index": 1}}, "kind class needs classes; tabular_regression has none"),
        ({"forget": {"kind": "relabelled", "fraction": 0.1}}, "kind relabelled needs classes"),
        ({"evaluation": {"replicas": 16, "batch_format": "mapping"}}, "mapping batches have images"),
    ],
    ids=["labels", "targets", "class", "relabelled", "mapping"],
)
def test_what_does_not_fit_the_kind_is_refused_in_one_line(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        load_problem(make_tiny_spec(**{**DIABETES, **changes}))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ({"package": "text_bag", "options": {"vocabulary": 5}}, "takes no row of shape"),
        ({"package": "fashion_mnist"}, "refuses: images need"),
    ],
    ids=["tokens", "images"],
)
def test_a_network_that_does_not_fit_is_refused_before_training(network: dict[str, object], reason: str) -> None:
    problem = load_problem(make_tiny_spec(**{**DIABETES, "network": network}))
    with pytest.raises(InvalidInput, match=reason):
        train_chunk(problem, pool_chunks(problem, PoolKind.RETRAINED, 1)[0])
