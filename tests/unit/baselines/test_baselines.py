"""Properties that every unlearning method, and each particular one, must have on a small problem."""

import ast
import copy
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import baselines
from core.domain.pools import PoolKind
from core.problem_files import find_problem
from sandbox.loaders import make_loader
from sandbox.problems.fashion_mnist.model import build as build_convolutional
from tests.tiny_problems import make_tiny_spec
from worker.problems import LoadedProblem, load_problem
from worker.training.members import initial_network, learning_rates
from worker.training.one_by_one import train_one

NAMES = sorted(path.stem for path in Path(baselines.__file__).parent.glob("*.py") if path.stem != "__init__")
FORGET_ALONE = {"gradient_ascent", "be", "bs"}
NEED_FORGET = FORGET_ALONE | {
    *("neggrad_plus", "random_labels", "kookmin", "iu", "iu_released", "fisher_forget", "scrub", "scrub_r"),
    *("bad_teacher", "salun", "salun_soft", "sfron", "ugradsl", "ugradsl_plus", "fanchuan", "pseudo_label"),
    *("transpose_pseudo_mix", "newton_head"),
}
CPU = torch.device("cpu")
Loaders = dict[str, Any]
Runs = dict[str, dict[str, Tensor]]


class Forbidden:
    """A loader that must not be read."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("this loader must not be read")

    def __len__(self) -> int:
        raise AssertionError("this loader must not be asked for its length")


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    torch.set_num_threads(1)
    network = {"package": "digits", "options": {"hidden": [48]}}
    return load_problem(make_tiny_spec(network=network, recipe={"epochs": 25, "batch_size": 32, "learning_rate": 0.2}))


@pytest.fixture(scope="module")
def original(problem: LoadedProblem) -> nn.Module:
    return train_one(problem, PoolKind.ORIGINAL, 1, device=CPU)


@pytest.fixture
def baseline(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load_baseline(request.param, monkeypatch)


@pytest.fixture(scope="module")
def first_runs() -> Runs:
    """What each method gave with seed 3: run once for all that compare with it."""
    return {}


def load_baseline(name: str, monkeypatch: pytest.MonkeyPatch, **constants: float) -> ModuleType:
    module = importlib.import_module(f"baselines.{name}")
    if name == "retrain":
        monkeypatch.setitem(module.RECIPE, "epochs", 2)
    for constant, value in constants.items():
        monkeypatch.setattr(module, constant, value)
    return module


def make_loaders(problem: LoadedProblem, *, mapping: bool = False, shuffle: bool = True) -> Loaders:
    return {
        name: make_loader(
            torch.from_numpy(getattr(problem.splits, name).x),
            torch.from_numpy(getattr(problem.splits, name).y),
            mapping=mapping,
            batch_size=32,
            shuffle=shuffle,
        )
        for name in ("retain", "forget", "validation")
    }


def run(module: ModuleType, original: nn.Module, loaders: Loaders, *, seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    net = copy.deepcopy(original)
    result = module.unlearning(net, loaders["retain"], loaders["forget"], loaders["validation"])
    assert not result.training
    return {name: value.detach().clone() for name, value in result.state_dict().items()}


def run_first(module: ModuleType, problem: LoadedProblem, original: nn.Module, first_runs: Runs) -> dict[str, Tensor]:
    if module.__name__ not in first_runs:
        first_runs[module.__name__] = run(module, original, make_loaders(problem), seed=3)
    return first_runs[module.__name__]


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return all(torch.equal(left[name], right[name]) for name in left)


def accuracy(problem: LoadedProblem, original: nn.Module, state: dict[str, Tensor], split: str) -> float:
    net = copy.deepcopy(original)
    net.load_state_dict(state)
    part = getattr(problem.splits, split)
    return float((net(torch.from_numpy(part.x)).argmax(1) == torch.from_numpy(part.y)).float().mean())


def forget_loss(problem: LoadedProblem, original: nn.Module, state: dict[str, Tensor]) -> float:
    net = copy.deepcopy(original)
    net.load_state_dict(state)
    forget = problem.splits.forget
    with torch.no_grad():
        return float(nn.functional.cross_entropy(net(torch.from_numpy(forget.x)), torch.from_numpy(forget.y)))


@pytest.mark.parametrize("baseline", NAMES, indirect=True)
def test_a_baseline_returns_finite_weights_of_the_same_network(
    baseline: ModuleType, problem: LoadedProblem, original: nn.Module, first_runs: Runs
) -> None:
    state = run_first(baseline, problem, original, first_runs)
    assert {name: value.shape for name, value in state.items()} == {
        name: value.shape for name, value in original.state_dict().items()
    }
    assert all(bool(value.isfinite().all()) for value in state.values())


@pytest.mark.parametrize("baseline", NAMES, indirect=True)
def test_a_seed_settles_the_result_in_pairs_as_in_the_contests_mapping_batches(
    baseline: ModuleType, problem: LoadedProblem, original: nn.Module, first_runs: Runs
) -> None:
    first = run_first(baseline, problem, original, first_runs)
    assert same(run(baseline, original, make_loaders(problem, mapping=True), seed=3), first)


@pytest.mark.parametrize("baseline", [name for name in NAMES if name != "identity"], indirect=True)
def test_two_seeds_give_two_models(
    baseline: ModuleType, problem: LoadedProblem, original: nn.Module, first_runs: Runs
) -> None:
    first = run_first(baseline, problem, original, first_runs)
    assert not same(first, run(baseline, original, make_loaders(problem), seed=4))


@pytest.mark.parametrize("baseline", NAMES, indirect=True)
def test_a_baseline_runs_on_a_convolutional_network(baseline: ModuleType) -> None:
    torch.manual_seed(0)
    net = build_convolutional(3, (1, 8, 8), channels=(2, 3), hidden=4)
    x, y = torch.randn(24, 1, 8, 8), torch.arange(24) % 3
    loaders = [make_loader(x, y, mapping=False, batch_size=8, shuffle=True) for _ in range(3)]
    result = baseline.unlearning(net, *loaders)
    assert bool(torch.isfinite(result(x)).all())


@pytest.mark.parametrize("baseline", sorted(set(NAMES) - NEED_FORGET), indirect=True)
def test_a_method_of_the_retain_set_never_reads_the_forget_set(
    baseline: ModuleType, problem: LoadedProblem, original: nn.Module, first_runs: Runs
) -> None:
    first = run_first(baseline, problem, original, first_runs)
    assert same(first, run(baseline, original, make_loaders(problem) | {"forget": Forbidden()}, seed=3))


@pytest.mark.parametrize("baseline", sorted(FORGET_ALONE), indirect=True)
def test_a_method_of_the_forget_set_never_reads_the_retain_set(
    baseline: ModuleType, problem: LoadedProblem, original: nn.Module, first_runs: Runs
) -> None:
    first = run_first(baseline, problem, original, first_runs)
    assert same(first, run(baseline, original, make_loaders(problem) | {"retain": Forbidden()}, seed=3))


@pytest.mark.parametrize("name", NAMES)
def test_a_baseline_is_one_file_that_imports_nothing_of_ours(name: str) -> None:
    tree = ast.parse(Path(baselines.__file__).with_name(f"{name}.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"collections.abc", "copy", "itertools", "math", "typing", "torch", "torch.nn"}


def test_identity_changes_nothing(problem: LoadedProblem, original: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    state = run(load_baseline("identity", monkeypatch), original, make_loaders(problem))
    assert same(state, dict(original.state_dict()))


def test_gradient_ascent_reads_no_retain_example_and_raises_the_forget_loss(
    problem: LoadedProblem, original: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_baseline("gradient_ascent", monkeypatch, LEARNING_RATE=0.2)
    state = run(module, original, make_loaders(problem) | {"retain": Forbidden(), "validation": Forbidden()})
    assert forget_loss(problem, original, state) > 2 * forget_loss(problem, original, dict(original.state_dict()))


def test_neggrad_plus_without_ascent_is_fine_tuning(
    problem: LoadedProblem, original: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"EPOCHS": 2, "LEARNING_RATE": 0.05}
    ascent = load_baseline("neggrad_plus", monkeypatch, ALPHA=1.0, **settings)
    plain = load_baseline("finetune", monkeypatch, **settings)
    loaders = make_loaders(problem, shuffle=False)
    left, right = run(ascent, original, loaders), run(plain, original, loaders)
    for name in left:
        torch.testing.assert_close(left[name], right[name], rtol=1e-4, atol=1e-6)


def test_neggrad_plus_forgets_more_than_fine_tuning(
    problem: LoadedProblem, original: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"EPOCHS": 2, "LEARNING_RATE": 0.1}
    ascent = run(load_baseline("neggrad_plus", monkeypatch, ALPHA=0.6, **settings), original, make_loaders(problem))
    plain = run(load_baseline("finetune", monkeypatch, **settings), original, make_loaders(problem))
    assert forget_loss(problem, original, ascent) > forget_loss(problem, original, plain)


def test_random_labels_are_never_the_true_ones_and_reach_every_other_class() -> None:
    module = importlib.import_module("baselines.random_labels")
    labels = torch.arange(5).repeat(200)
    drawn = module.draw_wrong_labels(labels, 5)
    assert not bool((drawn == labels).any())
    assert set(drawn[labels == 2].tolist()) == {0, 1, 3, 4}


def test_kookmin_draws_exactly_its_share_of_weights_anew(
    problem: LoadedProblem, original: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_baseline("kookmin", monkeypatch, EPOCHS=0, SHARE=0.25)
    state = run(module, original, make_loaders(problem))
    changed = sum(int((state[name] != value).sum()) for name, value in original.named_parameters())
    weights = sum(value.numel() for value in original.parameters() if value.dim() > 1)
    assert changed == pytest.approx(0.25 * weights, abs=2)


def test_kookmin_chooses_other_weights_for_another_seed(problem: LoadedProblem, original: nn.Module) -> None:
    module = importlib.import_module("baselines.kookmin")
    masks = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        loaders = make_loaders(problem)
        masks.append(module.choose_weights(copy.deepcopy(original), loaders["retain"], loaders["forget"], CPU))
    assert any(not torch.equal(masks[0][name], masks[1][name]) for name in masks[0])


def test_kookmin_can_hold_back_the_weights_it_kept(
    problem: LoadedProblem, original: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"EPOCHS": 1, "WEIGHT_DECAY": 0.0, "SHARE": 0.3}
    moved = []
    for kept in (0.0, 1.0):
        state = run(load_baseline("kookmin", monkeypatch, KEPT=kept, **settings), original, make_loaders(problem))
        moved.append(float((state["fc.weight"] == original.state_dict()["fc.weight"]).float().mean()))
    assert moved[0] > 0.3
    assert moved[1] < 0.1


def test_vision_confusion_disturbs_weights_in_proportion_and_leaves_biases(original: nn.Module) -> None:
    module = importlib.import_module("baselines.vision_confusion")
    net = copy.deepcopy(original)
    torch.manual_seed(0)
    module.confuse(net, 0.5)
    for name, value in original.named_parameters():
        moved = (net.state_dict()[name] - value).detach()
        expected = 0.5 * float(value.detach().std()) if value.dim() > 1 else 0.0
        assert float(moved.std()) == pytest.approx(expected, rel=0.25)


def test_vision_confusion_repairs_what_it_disturbed(
    problem: LoadedProblem, original: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_baseline("vision_confusion", monkeypatch, CONFUSION=2.0, EPOCHS=6, WEIGHT_DECAY=0.0)
    torch.manual_seed(0)
    disturbed = copy.deepcopy(original)
    module.confuse(disturbed, 2.0)
    after_noise = accuracy(problem, original, disturbed.state_dict(), "retain")
    repaired = run(module, original, make_loaders(problem))
    assert accuracy(problem, original, repaired, "retain") > after_noise + 0.2


def test_retrain_has_the_recipe_of_the_default_problem() -> None:
    module = importlib.import_module("baselines.retrain")
    recipe = find_problem("digits").recipe.model_dump(mode="json")
    assert {name: recipe[name] for name in module.RECIPE} == module.RECIPE
    assert find_problem("digits").evaluation.batch_size == recipe["batch_size"]


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
def test_retrain_follows_the_schedules_of_the_pools(schedule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("baselines.retrain")
    monkeypatch.setitem(module.RECIPE, "schedule", schedule)
    recipe = find_problem("digits").recipe.model_copy(update={"schedule": schedule})
    share = module.make_schedule(50)
    assert [0.2 * share(step) for step in range(50)] == pytest.approx(list(learning_rates(recipe, steps=50)))


def test_retrain_draws_weights_with_the_spread_of_a_fresh_network(problem: LoadedProblem) -> None:
    module = importlib.import_module("baselines.retrain")
    fresh, old = initial_network(problem, 1), initial_network(problem, 2)
    before = {name: value.clone() for name, value in old.state_dict().items()}
    module.reinitialise(old)
    for name, value in old.state_dict().items():
        assert not torch.equal(value, before[name])
        assert float(value.std()) == pytest.approx(float(fresh.state_dict()[name].std()), rel=0.5)


def test_retrain_forgets_what_it_never_sees(
    problem: LoadedProblem, original: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_baseline("retrain", monkeypatch)
    monkeypatch.setitem(module.RECIPE, "epochs", 25)
    state = run(module, original, make_loaders(problem) | {"forget": Forbidden(), "validation": Forbidden()})
    assert accuracy(problem, original, state, "retain") > 0.9
    assert accuracy(problem, original, state, "forget") < accuracy(problem, original, original.state_dict(), "forget")
