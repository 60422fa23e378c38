import numpy as np
import pytest
import torch
from torch import nn

from evaluator import compute_confidence
from evaluator.errors import NotFiniteWeights
from tests.tiny_problems import make_tiny_spec
from worker.problems import LoadedProblem, load_network, load_problem
from worker.replicas import measurement
from worker.replicas.measurement import compute_forget_confidence, compute_weight_change, measure_network
from worker.replicas.outputs import concat_outputs


@pytest.fixture(scope="module")
def digits() -> LoadedProblem:
    return load_problem(make_tiny_spec())


@pytest.fixture
def network(digits: LoadedProblem) -> nn.Module:
    torch.manual_seed(0)
    return load_network(digits)


def test_what_is_kept_of_a_split_is_what_the_logits_say(digits: LoadedProblem, network: nn.Module) -> None:
    outputs = measure_network(network, digits)
    split = digits.splits.test
    with torch.inference_mode():
        logits = network(torch.from_numpy(split.x)).double()
    chances = torch.softmax(logits, dim=1)
    np.testing.assert_allclose(outputs.test_entropy[0], -(chances * chances.log()).sum(dim=1), rtol=1e-5)
    np.testing.assert_allclose(
        outputs.test_confidence[0], compute_confidence(logits.numpy()[None], split.y)[0], atol=1e-5
    )
    assert outputs.test_accuracy[0] == (logits.argmax(dim=1).numpy() == split.y).mean()


def test_confidences_model_by_model_are_those_of_all_at_once(digits: LoadedProblem, network: nn.Module) -> None:
    outputs = measure_network(network, digits)
    both = concat_outputs([outputs, outputs])
    labels = digits.splits.forget.y
    np.testing.assert_array_equal(
        compute_forget_confidence(digits, both), compute_confidence(both.forget_logits, labels)
    )


def test_only_the_first_examples_of_a_large_split_are_kept(
    digits: LoadedProblem, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measure_network(network, digits)
    monkeypatch.setattr(measurement, "PROBE", 7)
    part = measure_network(network, digits)
    assert whole.retain_confidence.shape == (1, len(digits.splits.retain))
    np.testing.assert_array_equal(part.retain_confidence, whole.retain_confidence[:, :7])
    np.testing.assert_array_equal(part.test_entropy, whole.test_entropy[:, :7])
    assert part.retain_accuracy == whole.retain_accuracy


def test_weights_are_compared_with_the_original_they_started_from(digits: LoadedProblem, network: nn.Module) -> None:
    state = network.state_dict()
    doubled = {name: 2 * value for name, value in state.items()}
    assert measure_network(network, digits).weight_change[0] == 0.0
    assert measure_network(network, digits, original=state).weight_change[0] == 0.0
    assert measure_network(network, digits, original=doubled).weight_change[0] == pytest.approx(0.5)


def test_the_weight_change_counts_floating_values_only() -> None:
    original = {"w": torch.tensor([3.0, 0.0]), "mean": torch.tensor([4.0]), "steps": torch.tensor(7)}
    moved = {"w": torch.tensor([3.0, 3.0]), "mean": torch.tensor([0.0]), "steps": torch.tensor(9)}
    assert compute_weight_change(moved, original) == pytest.approx(1.0)
    assert compute_weight_change({"w": torch.ones(1)}, {"w": torch.zeros(1)}) == 1.0
    assert compute_weight_change({"steps": torch.tensor(1)}, {"steps": torch.tensor(2)}) == 0.0


def test_outputs_that_are_not_finite_are_refused(digits: LoadedProblem, network: nn.Module) -> None:
    with torch.no_grad():
        next(network.parameters()).fill_(float("inf"))
    with pytest.raises(NotFiniteWeights):
        measure_network(network, digits)
