"""Headroom: every trainer trains the same model, and the ratio says how far the plain loop stands behind the best."""

import time
from collections.abc import Callable

import pytest
import torch

from core.domain.headroom import Headroom, Trainer
from core.domain.pools import PoolKind
from tests.tiny_problems import make_tiny_image_spec, make_tiny_spec, write_idx_folder
from worker.problems import LoadedProblem, load_problem
from worker.training import headroom
from worker.training.dense import dense_layers
from worker.training.members import initial_network
from worker.training.numpy_dense import train_dense
from worker.training.one_by_one import train_fast, train_one
from worker.training.stacked import train_stack

CPU = torch.device("cpu")
KIND = PoolKind.RETRAINED


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def digits() -> LoadedProblem:
    recipe = {"epochs": 2, "batch_size": 32, "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    return load_problem(make_tiny_spec(recipe=recipe))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> LoadedProblem:
    return load_problem(make_tiny_image_spec(), write_idx_folder(tmp_path_factory.mktemp("idx")))


@pytest.mark.parametrize("seed", [0, 5])
def test_every_trainer_of_a_perceptron_trains_the_same_member(digits: LoadedProblem, seed: int) -> None:
    plain = train_one(digits, KIND, seed, device=CPU).state_dict()
    fast = train_fast(digits, KIND, seed, device=CPU).state_dict()
    _, stacked, _ = train_stack(digits, KIND, [seed], device=CPU)
    layers = dense_layers(initial_network(digits, seed))
    assert layers is not None
    dense = train_dense(digits, KIND, seed, layers)
    for name, value in plain.items():
        torch.testing.assert_close(fast[name], value, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(stacked[name][0], value, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(torch.from_numpy(dense[name]), value, rtol=1e-3, atol=1e-4)


def test_a_perceptron_is_tried_without_torch_and_a_convolution_is_not(
    digits: LoadedProblem, images: LoadedProblem
) -> None:
    assert set(headroom.find_trainers(digits, CPU)) == set(Trainer)
    assert set(headroom.find_trainers(images, CPU)) == {Trainer.PLAIN, Trainer.CHANNELS_LAST}


def test_a_shortened_problem_takes_that_many_steps(digits: LoadedProblem) -> None:
    for steps in (2, 7, 100):
        small = headroom.shorten(digits, steps)
        assert len(small.splits.retain) == steps * digits.spec.recipe.batch_size
        assert small.spec.recipe.epochs == 1


def _burn(seconds: float) -> None:
    begun = time.process_time()
    while time.process_time() - begun < seconds:
        pass


def _trainer(a_step: float, start: float, batch: int) -> Callable[[LoadedProblem], None]:
    return lambda small: _burn(start + a_step * len(small.splits.retain) / batch)


@pytest.mark.parametrize(("fast", "fits"), [(0.0004, False), (0.0007, True)])
def test_the_ratio_is_of_steps_alone_without_start_and_end(
    digits: LoadedProblem, monkeypatch: pytest.MonkeyPatch, fast: float, fits: bool
) -> None:
    batch = digits.spec.recipe.batch_size
    trainers = {Trainer.PLAIN: _trainer(0.001, 0.01, batch), Trainer.NUMPY: _trainer(fast, 0.03, batch)}
    monkeypatch.setattr(headroom, "find_trainers", lambda _problem, _device: trainers)
    found = headroom.measure_headroom(digits, device="cpu")
    assert found.trainer is Trainer.NUMPY
    assert found.ratio == pytest.approx(0.001 / fast, rel=0.25)
    assert found.is_fit_for_prizes is fits


def test_real_trainers_are_timed(digits: LoadedProblem) -> None:
    found = headroom.measure_headroom(digits, device="cpu")
    assert 0 < found.fastest_ms <= found.plain_ms < 1000
    assert found.ratio >= 1


def test_a_plain_loop_that_nothing_beats_has_a_ratio_of_one() -> None:
    found = Headroom(plain_ms=0.5, fastest_ms=0.5, trainer=Trainer.PLAIN)
    assert (found.ratio, found.is_fit_for_prizes) == (1.0, True)
    assert Headroom.read({"plain_ms": 0.5, "fastest_ms": 0.5, "trainer": "plain"}) == found
