import numpy as np
import pytest
import torch

from core.domain.pools import PoolKind
from core.problem_parts import RecipePart
from tests.tiny_problems import make_tiny_spec
from worker.problems import load_problem, load_requests
from worker.training.members import (
    batch_orders,
    batch_slices,
    initial_network,
    learning_rates,
    member_seed,
    sgd_step,
    training_data,
)


def test_no_two_members_of_any_kind_share_a_seed() -> None:
    seeds = [member_seed(pool, kind, index) for pool in (0, 1) for kind in PoolKind for index in range(600)]
    assert len(set(seeds)) == len(seeds)


def test_originals_see_the_forget_set_and_the_others_do_not() -> None:
    problem = load_problem(make_tiny_spec())
    sizes = {kind: len(training_data(problem, kind, torch.device("cpu")).y) for kind in PoolKind}
    assert sizes == {PoolKind.ORIGINAL: 240, PoolKind.RETRAINED: 200, PoolKind.CONTROL: 200}


def test_all_requests_are_made_of_the_same_originals() -> None:
    spec = make_tiny_spec()
    several = spec.model_copy(update={"further": (spec.forget.model_copy(update={"seed": 77}),)})
    data = [training_data(each, PoolKind.ORIGINAL, torch.device("cpu")) for each in load_requests(several)]
    assert torch.equal(data[0].x, data[1].x)
    assert torch.equal(data[0].y, data[1].y)
    retrained = [training_data(each, PoolKind.RETRAINED, torch.device("cpu")).x for each in load_requests(several)]
    assert not torch.equal(*retrained)


def test_a_seed_settles_the_initial_weights_and_leaves_the_global_generator_alone() -> None:
    problem = load_problem(make_tiny_spec())
    before = torch.get_rng_state()
    first, again, other = (initial_network(problem, seed).state_dict()["fc.weight"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_every_epoch_is_a_new_order_of_all_examples() -> None:
    orders = batch_orders(3, examples=20, epochs=2)
    assert [sorted(order) for order in orders] == [list(range(20))] * 2
    assert not np.array_equal(orders[0], orders[1])
    np.testing.assert_array_equal(orders, batch_orders(3, examples=20, epochs=2))


@pytest.mark.parametrize(("examples", "sizes"), [(10, [4, 4, 2]), (8, [4, 4]), (9, [4, 4])])
def test_a_last_batch_of_one_example_is_left_out(examples: int, sizes: list[int]) -> None:
    assert [part.stop - part.start for part in batch_slices(examples, 4)] == sizes


def test_the_one_cycle_schedule_rises_to_the_peak_and_falls_to_almost_nothing() -> None:
    recipe = RecipePart(epochs=1, batch_size=1, learning_rate=0.5, warmup_fraction=0.2)
    rates = list(learning_rates(recipe, steps=100))
    assert rates.index(max(rates)) in (19, 20)
    assert max(rates) == pytest.approx(0.5)
    assert rates[0] == pytest.approx(0.025)
    assert 0 < rates[-1] < 0.01


@pytest.mark.parametrize(("schedule", "last"), [("constant", 0.5), ("cosine", 0.5 * 0.5 * (1 + np.cos(np.pi * 0.9)))])
def test_other_schedules_begin_at_the_peak(schedule: str, last: float) -> None:
    recipe = RecipePart(epochs=1, batch_size=1, learning_rate=0.5, schedule=schedule)  # type: ignore[arg-type]
    rates = list(learning_rates(recipe, steps=10))
    assert rates[0] == 0.5
    assert rates[-1] == pytest.approx(last)


def test_the_hand_written_step_is_torchs() -> None:
    generator = torch.Generator().manual_seed(0)
    recipe = RecipePart(epochs=1, batch_size=1, learning_rate=0.3, momentum=0.8, weight_decay=0.01)
    ours = [torch.randn(3, 2, generator=generator), torch.randn(4, generator=generator)]
    theirs = [torch.nn.Parameter(value.clone()) for value in ours]
    momenta = [torch.zeros_like(value) for value in ours]
    optimizer = torch.optim.SGD(theirs, lr=0.3, momentum=0.8, weight_decay=0.01)
    for _ in range(3):
        gradients = [torch.randn(value.shape, generator=generator) for value in ours]
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step()
        sgd_step(ours, gradients, momenta, recipe=recipe, learning_rate=0.3)
    for value, parameter in zip(ours, theirs, strict=True):
        torch.testing.assert_close(value, parameter.detach())
