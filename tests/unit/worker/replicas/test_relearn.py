import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core.domain.pools import PoolKind
from tests.tiny_problems import make_tiny_image_spec, make_tiny_spec, write_idx_folder
from worker.problems import LoadedProblem, Split, load_network, load_problem
from worker.replicas.measurement import measure_network
from worker.replicas.outputs import RELEARN_STEPS
from worker.replicas.relearn import LARGEST_LOSS, add_relearning, count_examples, count_members, measure_relearning
from worker.training.chunks import pool_chunks, train_chunk
from worker.training.members import initial_network


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    torch.set_num_threads(1)
    return load_problem(make_tiny_spec())


@pytest.mark.parametrize(
    ("epochs", "examples", "members"), [(1, 8, 2), (3, 9, 2), (10, 31, 4), (15, 46, 6), (1000, 512, 8)]
)
def test_curves_take_about_as_much_as_retraining(epochs: int, examples: int, members: int) -> None:
    problem = load_problem(make_tiny_spec(recipe={"epochs": epochs, "batch_size": 32, "learning_rate": 0.1}))
    assert (count_examples(problem), count_members(problem)) == (examples, members)


def test_a_curve_is_that_of_torchs_own_optimizer_and_the_network_stays_as_it_was(problem: LoadedProblem) -> None:
    network = initial_network(problem, 1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    losses = measure_relearning(network, problem).relearn_loss
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    optimizer = torch.optim.SGD(network.parameters(), lr=problem.spec.recipe.learning_rate)
    x, y = spread(problem.splits.forget, 9)
    slow = []
    for _ in range(RELEARN_STEPS + 1):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(x), y)
        slow.append(loss.item())
        torch.autograd.backward(loss)
        optimizer.step()
    np.testing.assert_allclose(losses, slow, rtol=1e-4)


def test_training_on_retain_examples_is_followed_on_the_forget_set(problem: LoadedProblem) -> None:
    network = initial_network(problem, 1)
    losses = measure_relearning(network, problem).relearn_retain_loss
    optimizer = torch.optim.SGD(network.parameters(), lr=problem.spec.recipe.learning_rate)
    forget, retain = spread(problem.splits.forget, 9), spread(problem.splits.retain, 9)
    slow = []
    for _ in range(RELEARN_STEPS + 1):
        slow.append(F.cross_entropy(network(forget[0]), forget[1]).item())
        optimizer.zero_grad()
        loss = F.cross_entropy(network(retain[0]), retain[1])
        torch.autograd.backward(loss)
        optimizer.step()
    np.testing.assert_allclose(losses, slow, rtol=1e-4)


def test_a_model_that_saw_the_forget_set_begins_lower_than_one_that_did_not() -> None:
    problem = load_problem(make_tiny_spec(recipe={"epochs": 25, "batch_size": 32, "learning_rate": 0.2}))
    starts = {}
    for kind in (PoolKind.ORIGINAL, PoolKind.RETRAINED):
        (chunk,) = pool_chunks(problem, kind, 4)
        starts[kind] = train_chunk(problem, chunk).outputs.relearn_loss[:, 0].mean()
    assert starts[PoolKind.ORIGINAL] < 0.8 * starts[PoolKind.RETRAINED]


def test_only_the_first_members_of_a_pool_are_measured(problem: LoadedProblem) -> None:
    first, _ = pool_chunks(problem, PoolKind.CONTROL, 40)
    outputs = train_chunk(problem, first).outputs
    for losses in (outputs.relearn_loss, outputs.relearn_retain_loss):
        assert (losses[:, 0] >= 0).tolist() == [index < 2 for index in range(32)]


def test_later_chunks_hold_no_measured_member(problem: LoadedProblem) -> None:
    _, second = pool_chunks(problem, PoolKind.CONTROL, 34)
    assert (train_chunk(problem, second).outputs.relearn_loss < 0).all()


def test_what_diverges_is_bounded(problem: LoadedProblem) -> None:
    network = load_network(problem)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1e6)
    curves = measure_relearning(network, problem)
    for losses in (curves.relearn_loss, curves.relearn_retain_loss):
        assert np.isfinite(losses).all()
        assert losses.max() == LARGEST_LOSS


def test_frozen_weights_of_a_network_with_running_statistics_can_be_measured(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = write_idx_folder(tmp_path_factory.mktemp("idx"))
    images = load_problem(make_tiny_image_spec(), folder)
    network = initial_network(images, 1).requires_grad_(False)
    losses = measure_relearning(network, images).relearn_loss
    assert losses[-1] < losses[0]
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_without_weights_nothing_is_measured(problem: LoadedProblem) -> None:
    outputs = measure_network(initial_network(problem, 1), problem)
    assert add_relearning(outputs, [], problem) is outputs
    assert (outputs.relearn_loss == -1).all()


def spread(split: Split, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Examples from the first to the last, evenly spaced."""
    rows = np.unique(np.linspace(0, len(split) - 1, count).round().astype(np.int64))
    return torch.from_numpy(split.x[rows]), torch.from_numpy(split.y[rows])
