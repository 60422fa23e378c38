from dataclasses import replace

import pytest
import torch

from core.problem_files import find_problem
from sandbox.contract import Role
from sandbox.loaders import make_loader
from sandbox.problems.digits.model import build
from worker.problems import LoadedProblem, load_problem
from worker.replicas.yardstick import (
    Plan,
    choose_steps,
    count_extra,
    count_steps,
    make_yardstick_source,
    plan_calibration,
    plan_extra,
    plan_shard,
    plan_shards,
    spread,
)
from worker.runner.base import ReplicaOrder


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    return load_problem(find_problem("digits"))


def list_roles(entries: int, plan: Plan) -> str:
    orders = [ReplicaOrder(place, 100 + place) for place in range(entries)]
    found = spread(orders, plan, first_index=entries)
    assert [order for order in found if order.role is Role.ENTRY] == orders
    assert len({order.index for order in found}) == len(found)
    return "".join(order.role[0] for order in found)


@pytest.mark.parametrize(
    ("entries", "plan", "roles"),
    [
        (6, Plan(2, 1), "eeyeieeye"),
        (4, Plan(0, 0), "eeee"),
        (1, Plan(4, 1), "yyieyy"),
        (2, Plan(2, 0), "eyey"),
    ],
)
def test_pieces_are_spread_evenly_and_yardsticks_are_in_the_middle_of_what_they_measure(
    entries: int, plan: Plan, roles: str
) -> None:
    assert list_roles(entries, plan) == roles


def test_nothing_runs_beside_no_runs() -> None:
    assert spread([], Plan(3, 1), first_index=0) == ()


def test_a_shard_gives_at_most_eight_percent_of_its_runs_to_pieces_and_a_canary_half() -> None:
    for count in range(64, 600):
        plan = plan_shard(count, is_canary=False)
        assert (plan.yardsticks + plan.idles) / count <= 0.08
    assert plan_shard(8, is_canary=True) == Plan(4, 1)
    assert plan_shard(2, is_canary=True).yardsticks == 2


@pytest.mark.parametrize(("replicas", "runs"), [(16, 8), (64, 16), (256, 64), (4096, 64)])
def test_more_measurements_are_a_quarter_of_the_replicas(replicas: int, runs: int) -> None:
    assert count_extra(replicas) == runs
    assert plan_extra(runs) == Plan(runs, runs // 4)


def test_beside_a_run_that_does_nothing_there_is_nothing_to_tie() -> None:
    assert plan_calibration(16) == Plan(64, 16)


def test_a_yardstick_has_the_steps_of_the_budget_unless_a_retraining_is_long(problem: LoadedProblem) -> None:
    assert count_steps(problem) == 84  # a tenth of 60 epochs of 14 batches
    long = problem.spec.model_copy(update={"recipe": problem.spec.recipe.model_copy(update={"epochs": 2000})})
    assert count_steps(replace(problem, spec=long)) == 280


@pytest.mark.parametrize("name", ["cifar10-resnet18", "digits", "fashion-mnist", "fashion-mnist-resnet18"])
@pytest.mark.parametrize("whole", [840, 1406, 10_546, 10**6])
def test_yardsticks_cost_no_more_than_8_percent_of_what_the_replicas_may(name: str, whole: int) -> None:
    rules = find_problem(name).evaluation
    yardsticks = sum(plan.yardsticks for plan in plan_shards(rules))
    steps = choose_steps(rules, whole, is_large=True)
    assert 0 < steps * yardsticks <= 0.08 * rules.replicas * rules.compute_budget * whole


def test_a_yardstick_of_a_small_network_is_not_cut_shorter_than_a_start() -> None:
    rules = find_problem("fashion-mnist").evaluation
    assert [choose_steps(rules, 840, is_large=is_large) for is_large in (True, False)] == [21, 84]


def test_a_yardstick_is_the_first_steps_of_the_retraining(problem: LoadedProblem) -> None:
    source = make_yardstick_source(problem)
    taken = 0

    class Counted(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = build(10, (64,))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            nonlocal taken
            taken += self.training
            result: torch.Tensor = self.inner(x)
            return result

    names: dict[str, object] = {}
    exec(source, names)
    x, y = torch.randn(100, 64), torch.randint(0, 10, (100,))
    loader = make_loader(x, y, mapping=False, batch_size=10, shuffle=True)
    names["unlearning"](Counted(), loader, loader, loader)  # type: ignore[operator]
    assert taken == 84
