"""A stacked member is the singly trained one: the same gradients, the same beginning, the same quality at the end."""

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch import nn
from torch.nn import functional as F

from core.domain.errors import PlatformFault
from core.domain.pools import PoolKind
from core.problem_parts import TrainingStrategy
from sandbox.kinds.targets import Classes
from tests.tiny_problems import make_tiny_image_spec, make_tiny_spec, write_idx_folder
from worker.problems import LoadedProblem, load_problem
from worker.replicas.measurement import measure_network
from worker.training import one_by_one, stacked
from worker.training.chunks import choose_strategy, pool_chunks, train_chunk
from worker.training.dense import DenseStack, dense_layers
from worker.training.members import member_seed

CPU, CLASSES = torch.device("cpu"), Classes()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def digits() -> LoadedProblem:
    return load_problem(make_tiny_spec())


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> LoadedProblem:
    return load_problem(make_tiny_image_spec(), write_idx_folder(tmp_path_factory.mktemp("idx")))


def make_perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))


def make_normalised_convolution() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(6, 3))


@pytest.mark.parametrize(
    ("make", "shape"), [(make_perceptron, (6,)), (make_perceptron, (2, 3)), (make_normalised_convolution, (1, 2, 3))]
)
def test_batched_gradients_are_each_models_own(make, shape: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    networks = [make().train() for _ in range(3)]
    x, y = torch.randn(3, 8, *shape), torch.randint(3, (3, 8))
    parameters = {
        k: torch.stack([dict(n.named_parameters())[k].detach() for n in networks])
        for k, _ in networks[0].named_parameters()
    }
    buffers = {k: torch.stack([dict(n.named_buffers())[k] for n in networks]) for k, _ in networks[0].named_buffers()}
    batched, renewed = stacked.gradient_function(networks[0], CLASSES)(parameters, buffers, x, y)
    for member, network in enumerate(networks):
        loss = F.cross_entropy(network(x[member]), y[member])
        own = torch.autograd.grad(loss, list(network.parameters()))
        for (name, _), gradient in zip(network.named_parameters(), own, strict=True):
            torch.testing.assert_close(batched[name][member], gradient, rtol=1e-4, atol=1e-6)
        for name, value in network.named_buffers():
            torch.testing.assert_close(renewed[name][member], value)


def test_the_hand_written_gradients_are_the_general_ones() -> None:
    torch.manual_seed(1)
    skeleton = make_perceptron()
    parameters = {name: torch.randn(4, *value.shape) for name, value in skeleton.named_parameters()}
    x, y = torch.randn(4, 7, 6), torch.randint(3, (4, 7))
    layers = dense_layers(skeleton)
    assert layers == ["1", "3", "5"]
    by_hand, _ = DenseStack(layers, CLASSES).compute_gradients(parameters, {}, x, y)
    general, _ = stacked.general_gradients(skeleton, CLASSES)(parameters, {}, x, y)
    for name in parameters:
        torch.testing.assert_close(by_hand[name], general[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "network",
    [
        nn.Linear(3, 2),
        make_normalised_convolution(),
        nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 2)),
        nn.Sequential(nn.Linear(3, 2), nn.ReLU()),
        nn.Sequential(nn.Linear(3, 2, bias=False)),
    ],
)
def test_a_network_that_is_no_plain_perceptron_takes_the_general_path(network: nn.Module) -> None:
    assert dense_layers(network) is None


def test_a_stacked_member_begins_as_the_singly_trained_one(digits: LoadedProblem) -> None:
    seeds = [member_seed(7, PoolKind.RETRAINED, index) for index in range(3)]
    together = stacked.train_members(digits, PoolKind.RETRAINED, seeds, device=CPU)
    for member, seed in enumerate(seeds):
        alone = one_by_one.train_one(digits, PoolKind.RETRAINED, seed, device=CPU)
        for name, value in load(together.weights[member]).items():
            torch.testing.assert_close(value, alone.state_dict()[name], rtol=1e-3, atol=1e-4)
        own = measure_network(alone, digits)
        np.testing.assert_allclose(together.outputs.forget_logits[member], own.forget_logits[0], atol=1e-3)


def test_stacked_and_single_training_are_equally_good_at_the_end() -> None:
    problem = load_problem(make_tiny_spec(recipe={"epochs": 30, "batch_size": 32, "learning_rate": 0.2}))
    seeds = [member_seed(7, PoolKind.RETRAINED, index) for index in range(12)]
    together = stacked.train_members(problem, PoolKind.RETRAINED, seeds, device=CPU).outputs
    alone = one_by_one.train_members(problem, PoolKind.RETRAINED, seeds, device=CPU).outputs
    for name in ("retain_accuracy", "forget_accuracy", "test_accuracy"):
        ours, theirs = getattr(together, name), getattr(alone, name)
        error = np.sqrt(ours.var(ddof=1) / 12 + theirs.var(ddof=1) / 12)
        assert abs(ours.mean() - theirs.mean()) <= 3 * error + 1e-9


def test_a_member_does_not_depend_on_its_neighbours(digits: LoadedProblem) -> None:
    seeds = [member_seed(7, PoolKind.CONTROL, index) for index in range(4)]
    whole = stacked.train_members(digits, PoolKind.CONTROL, seeds, device=CPU).outputs
    half = stacked.train_members(digits, PoolKind.CONTROL, seeds[2:], device=CPU).outputs
    np.testing.assert_allclose(whole.forget_logits[2:], half.forget_logits, atol=1e-4)


def test_channels_last_training_is_the_plain_one(images: LoadedProblem) -> None:
    seed = member_seed(7, PoolKind.RETRAINED, 0)
    fast = one_by_one.train_members(images, PoolKind.RETRAINED, [seed], device=CPU)
    plain = one_by_one.train_one(images, PoolKind.RETRAINED, seed, device=CPU)
    for name, value in load(fast.weights[0]).items():
        torch.testing.assert_close(value, plain.state_dict()[name], rtol=1e-3, atol=1e-5)


def test_convolutions_can_be_stacked_too(images: LoadedProblem) -> None:
    seeds = [member_seed(7, PoolKind.RETRAINED, index) for index in range(2)]
    together = stacked.train_members(images, PoolKind.RETRAINED, seeds, device=CPU)
    alone = one_by_one.train_members(images, PoolKind.RETRAINED, seeds, device=CPU)
    np.testing.assert_allclose(together.outputs.forget_logits, alone.outputs.forget_logits, atol=1e-3)


def test_the_problem_file_can_name_the_strategy() -> None:
    problem = load_problem(make_tiny_spec(pools={"strategy": "one_by_one"}))
    assert choose_strategy(problem, device="cpu") is TrainingStrategy.ONE_BY_ONE


def test_perceptrons_are_stacked_and_convolutions_only_on_a_gpu(digits: LoadedProblem, images: LoadedProblem) -> None:
    assert choose_strategy(digits, device="cpu") is TrainingStrategy.STACKED
    assert choose_strategy(images, device="cpu") is TrainingStrategy.ONE_BY_ONE
    assert choose_strategy(images, device="cuda") is TrainingStrategy.STACKED


def test_a_pool_is_cut_into_chunks_that_a_larger_pool_begins_with(digits: LoadedProblem) -> None:
    small = pool_chunks(digits, PoolKind.RETRAINED, 64)
    large = pool_chunks(digits, PoolKind.RETRAINED, 100)
    assert [len(chunk.seeds) for chunk in large] == [32, 32, 32, 4]
    assert large[:2] == small


def test_what_training_does_not_depend_on_leaves_the_chunks_alone(digits: LoadedProblem) -> None:
    other = load_problem(make_tiny_spec(evaluation={"compute_budget": 0.2}))
    assert pool_chunks(other, PoolKind.CONTROL, 5) == pool_chunks(digits, PoolKind.CONTROL, 5)


@pytest.mark.parametrize(
    "change",
    [{"recipe": {"epochs": 4, "batch_size": 32, "learning_rate": 0.1}}, {"pools": {"seed": 8}}, {"split": {"seed": 9}}],
)
def test_what_training_depends_on_renames_the_chunks(digits: LoadedProblem, change: dict[str, dict[str, int]]) -> None:
    other = load_problem(make_tiny_spec(**change))
    assert pool_chunks(other, PoolKind.CONTROL, 5)[0].name != pool_chunks(digits, PoolKind.CONTROL, 5)[0].name


@pytest.mark.parametrize("strategy", ["stacked", "one_by_one"])
def test_a_recipe_that_diverges_is_a_readable_fault(strategy: str) -> None:
    recipe = {"epochs": 3, "batch_size": 32, "learning_rate": 1e30}
    problem = load_problem(make_tiny_spec(recipe=recipe, pools={"strategy": strategy}))
    with pytest.raises(PlatformFault, match="the recipe does not train"):
        train_chunk(problem, pool_chunks(problem, PoolKind.CONTROL, 2)[0])
