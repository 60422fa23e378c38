"""Every recipe trains the same member by the plain loop, by fused steps and in a stack, and `retrain.py` follows it."""

import importlib
from typing import Any

import pytest
import torch
from safetensors.torch import load
from torch import Tensor

from core.domain.errors import InvalidInput
from core.domain.headroom import Trainer
from core.domain.pools import PoolKind
from core.problem_parts import Optimizer, RecipePart
from core.problems import ProblemSpec
from sandbox.kinds.targets import Classes, Number
from tests.tiny_problems import make_tiny_spec
from worker.problems import load_problem
from worker.replicas.calibration import make_calibration_source
from worker.training import headroom, one_by_one, stacked
from worker.training.members import learning_rates, member_seed
from worker.training.optimizers import make_optimizer, make_steps

CPU = torch.device("cpu")
SEEDS = [member_seed(7, PoolKind.RETRAINED, index) for index in range(2)]
WEIGHTS = [1.0, 2.0, 0.5, 1.0, 1.0, 3.0, 1.0, 1.0, 0.2, 1.0]
RECIPES: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": "adam", "learning_rate": 0.01, "weight_decay": 0.01},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "schedule": "cosine", "warmup_epochs": 1.0},
    "steps": {"schedule": "multi_step", "milestones": [1, 3], "decay": 0.2, "learning_rate": 0.1},
    "smooth": {"label_smoothing": 0.1, "class_weights": WEIGHTS, "learning_rate": 0.1},
}
SCHEDULES: list[dict[str, Any]] = [
    {"schedule": "cosine", "warmup_epochs": 1.5},
    {"schedule": "constant", "warmup_epochs": 2.0},
    {"schedule": "multi_step", "milestones": [1, 3], "warmup_epochs": 0.5},
    {"schedule": "multi_step", "milestones": [2], "decay": 0.5},
]


def make_spec(name: str) -> ProblemSpec:
    recipe = {"epochs": 4, "batch_size": 32, "weight_decay": 0.002, **RECIPES[name]}
    values = make_tiny_spec().model_dump(mode="json") | {"recipe": recipe}
    return ProblemSpec.model_validate(values)


@pytest.mark.parametrize("name", RECIPES)
def test_every_trainer_follows_the_recipe_to_the_same_member(name: str) -> None:
    torch.set_num_threads(1)
    problem = load_problem(make_spec(name))
    together = stacked.train_members(problem, PoolKind.RETRAINED, SEEDS, device=CPU)
    for member, seed in enumerate(SEEDS):
        alone = one_by_one.train_one(problem, PoolKind.RETRAINED, seed, device=CPU).state_dict()
        fast = one_by_one.train_fast(problem, PoolKind.RETRAINED, seed, device=CPU).state_dict()
        for key, value in load(together.weights[member]).items():
            torch.testing.assert_close(value, alone[key], rtol=1e-3, atol=1e-4)
            torch.testing.assert_close(fast[key], alone[key], rtol=1e-3, atol=1e-4)
    plain = {Trainer.NUMPY} if name == "steps" else set()
    assert set(headroom.find_trainers(problem, CPU)) & {Trainer.NUMPY} == plain


@pytest.mark.parametrize("optimizer", [Optimizer.ADAM, Optimizer.ADAMW])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_in_place_are_torchs(optimizer: Optimizer, decay: float) -> None:
    generator = torch.Generator().manual_seed(0)
    recipe = RecipePart(epochs=1, batch_size=1, learning_rate=0.05, optimizer=optimizer, weight_decay=decay)
    layer = torch.nn.Linear(3, 2)
    ours = [value.detach().clone() for value in layer.parameters()]
    steps, torchs = make_steps(ours, recipe), make_optimizer(layer, recipe)
    for step in range(5):
        gradients = [torch.randn(value.shape, generator=generator) for value in ours]
        for parameter, gradient in zip(layer.parameters(), gradients, strict=True):
            parameter.grad = gradient.clone()
        torchs.param_groups[0]["lr"] = 0.05 / (step + 1)
        torchs.step()
        steps.step(gradients, learning_rate=0.05 / (step + 1))
    for mine, theirs in zip(ours, layer.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs.detach())


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["cosine", "constant", "steps", "halves"])
def test_retrain_follows_every_schedule(schedule: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = RecipePart.model_validate({"epochs": 4, "batch_size": 8, "learning_rate": 0.2, **schedule})
    retrain = use_recipe(recipe, monkeypatch)
    share = retrain.make_schedule(40)
    assert [0.2 * share(step) for step in range(40)] == pytest.approx(list(learning_rates(recipe, steps=40)))


def test_milestones_count_epochs_and_a_warm_up_rises_to_the_peak() -> None:
    recipe = RecipePart.model_validate(
        {"epochs": 4, "batch_size": 8, "learning_rate": 1.0, "schedule": "multi_step", "milestones": [1, 3]}
    )
    assert list(learning_rates(recipe, steps=8)) == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01])
    slow = recipe.model_copy(update={"schedule": "constant", "milestones": None, "warmup_epochs": 2.0})
    assert list(learning_rates(slow, steps=8)) == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0])


def test_retrain_has_the_loss_and_the_optimizer_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = make_spec("smooth").recipe
    retrain = use_recipe(recipe, monkeypatch)
    outputs, y = torch.randn(6, 10), torch.randint(10, (6,))
    expected = Classes().weigh(label_smoothing=0.1, class_weights=WEIGHTS).loss(outputs, y)
    torch.testing.assert_close(retrain.compute_loss(outputs, y), expected)
    retrain = use_recipe(make_spec("adamw").recipe, monkeypatch)
    assert type(retrain.make_optimizer(torch.nn.Linear(2, 2))) is torch.optim.AdamW
    assert b"'milestones': [1, 3]" in make_calibration_source("retrain.py", make_spec("steps"))


def use_recipe(recipe: RecipePart, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`retrain.py` with a recipe written into it, as the platform does."""
    retrain = importlib.import_module("baselines.retrain")
    monkeypatch.setattr(retrain, "RECIPE", retrain.RECIPE | recipe.model_dump(mode="json"))
    return retrain


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 0.5)])
def test_the_gradient_of_a_weighed_loss_is_autograds(smoothing: float, weights: tuple[float, ...] | None) -> None:
    targets = Classes(smoothing, weights)
    generator = torch.Generator().manual_seed(1)
    outputs, y = torch.randn(2, 5, 3, generator=generator), torch.randint(3, (2, 5), generator=generator)
    together = targets.compute_gradient(outputs.clone(), y)
    for member in range(2):
        own: Tensor = outputs[member].clone().requires_grad_()
        (expected,) = torch.autograd.grad(targets.loss(own, y[member]), own)
        torch.testing.assert_close(together[member], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ({"schedule": "multi_step"}, "come together"),
        ({"milestones": [1]}, "come together"),
        ({"schedule": "multi_step", "milestones": [3, 1]}, "epochs that rise and lie below 4"),
        ({"schedule": "multi_step", "milestones": [4]}, "epochs that rise and lie below 4"),
        ({"schedule": "multi_step", "milestones": []}, "epochs that rise"),
        ({"warmup_epochs": 1}, "warms up by `warmup_fraction`"),
        ({"schedule": "cosine", "warmup_epochs": 5}, "longer than the training"),
        ({"optimizer": "lion"}, "optimizer"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(recipe: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        RecipePart.model_validate({"epochs": 4, "batch_size": 8, "learning_rate": 0.1, **recipe})


def test_weights_must_be_one_for_each_class_and_numbers_have_none() -> None:
    with pytest.raises(InvalidInput, match="2 class weights for 10 classes"):
        load_problem(make_tiny_spec(recipe={"class_weights": [1.0, 2.0]}))
    with pytest.raises(ValueError, match="a number is learnt"):
        Number().weigh(label_smoothing=0.1, class_weights=None)


def test_what_older_recipes_do_not_say_is_no_part_of_their_digest() -> None:
    said = set(make_tiny_spec().recipe.model_dump(mode="json"))
    assert said == {
        *("epochs", "batch_size", "optimizer", "learning_rate"),
        *("momentum", "weight_decay", "schedule", "warmup_fraction"),
    }
