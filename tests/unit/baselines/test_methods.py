"""What sets each method apart: limits in which it is another one, losses by hand."""

import copy
import importlib
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.small_methods import (
    CLASSES,
    Forbidden,
    Loaders,
    assert_close,
    draw_examples,
    load,
    make_loaders,
    measure_loss,
    run,
)


@pytest.mark.parametrize(
    ("name", "constants", "other", "others"),
    [
        ("l1_sparse", {"PENALTY": 0.0}, "finetune", {}),
        ("prune_then_unlearn", {"SHARE": 0.0}, "finetune", {}),
        ("ugradsl_plus", {"MIX": 1.0, "EPOCHS": 3}, "finetune", {}),
        ("salun", {"SHARE": 1.0, "LEARNING_RATE": 0.05}, "random_labels", {}),
        ("salun_soft", {"START": 0.0, "LEARNING_RATE": 0.05}, "random_labels", {}),
        ("sfron", {"AMPLITUDE": 0.0, "EPOCHS": 3}, "transpose", {}),
        ("scrub_r", {"ALPHA": 0.0, "choose": lambda kept, _: kept[-1][1]}, "scrub", {"ALPHA": 0.0}),
        ("transpose_pseudo_mix", {"TRANSPOSED": 1.0}, "finetune", {}),
        ("iu", {"STEP": 0.0}, "identity", {}),
        ("iu_released", {"STEP": 0.0}, "identity", {}),
        ("fisher_forget", {"STRENGTH": 0.0}, "identity", {}),
        ("newton_head", {"STEP": 0.0, "SPREAD": 0.0}, "identity", {}),
        ("forget_remember", {"LAYERS": 0, "NOISE": 0.0, "WEIGHT_DECAY": 0.0}, "identity", {}),
        ("reset_distill", {"WARM_EPOCHS": 0, "EPOCHS": 0, "reset_ends": lambda _: None}, "identity", {}),
        ("be", {"EPOCHS": 0}, "identity", {}),
        ("bs", {"EPOCHS": 0}, "identity", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_in_a_limit_a_method_is_another_one(
    name: str,
    constants: dict[str, Any],
    other: str,
    others: dict[str, Any],
    memorised: nn.Module,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = run(load(monkeypatch, name, **constants), memorised)
    assert_close(left, run(load(monkeypatch, other, **others), memorised))


@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("iu", {"STEP": 0.05}),
        ("iu_released", {"STEP": 0.1}),
        ("newton_head", {"STEP": 0.2, "SPREAD": 0.0}),
        ("be", {}),
        ("bs", {}),
        ("scrub", {}),
        ("bad_teacher", {}),
        ("ugradsl", {}),
        ("salun", {}),
        ("sfron", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_loss_of_the_forget_set_rises(
    name: str, constants: dict[str, float], memorised: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(memorised.state_dict())
    after = run(load(monkeypatch, name, **constants), memorised)
    assert measure_loss(memorised, after) > measure_loss(memorised, before)


def test_influence_inverts_as_a_dense_solution_does() -> None:
    module = importlib.import_module("baselines.iu")
    rows, vector = torch.randn(7, 20, dtype=torch.float64), torch.randn(20, dtype=torch.float64)
    dense = 0.01 * torch.eye(20, dtype=torch.float64) + rows.T @ rows / 7
    torch.testing.assert_close(module.solve(rows, vector, 0.01), torch.linalg.solve(dense, vector))


def test_the_released_influence_is_its_recursion_by_hand() -> None:
    module = importlib.import_module("baselines.iu_released")
    vector, first, second = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]), torch.tensor([3.0, 1.0])
    # o = (1, 0); q = (3, 1): c = 3, k·q = 5; k − 5 / (2 + 3) · o
    found = module.recur(vector, [first, second], 2)
    torch.testing.assert_close(found, torch.tensor([0.0, 2.0]))


def test_fisher_information_of_one_example_is_the_expected_square_of_its_gradient(
    memorised: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(monkeypatch, "fisher_forget", BATCHES=1)
    x, y = draw_examples()
    found, seen = module.measure_fisher(memorised, [(x[:1], y[:1])])
    shares = memorised(x[:1]).softmax(1)[0]
    expected = torch.zeros_like(next(memorised.parameters()))
    for label in range(CLASSES):
        loss = F.cross_entropy(memorised(x[:1]), torch.tensor([label]))
        expected += (shares[label] * torch.autograd.grad(loss, next(memorised.parameters()))[0].square()).detach()
    torch.testing.assert_close(found[0].detach(), expected)
    assert seen == {int(y[0])}


def test_fisher_noise_is_largest_where_the_retain_set_needs_least() -> None:
    module = importlib.import_module("baselines.fisher_forget")
    little, much = (module.find_variance(torch.full((3, 3), value), is_head=False).mean() for value in (1e-3, 1.0))
    assert little > 100 * much


def test_fisher_forgetting_empties_the_row_of_a_class_that_only_the_forget_set_has(
    memorised: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = draw_examples()
    batches: Loaders = ([(x[y != 2], y[y != 2])], [(x[y == 2], y[y == 2])], [])
    module = load(monkeypatch, "fisher_forget", STRENGTH=0.0, VARIANCE_OF_GONE=0.0)
    state = run(module, memorised, batches)
    assert float(state["2.weight"][2].abs().sum()) == 0
    assert torch.equal(state["2.weight"][1], memorised.state_dict()["2.weight"][1])


def test_boundary_expanding_gives_the_head_back_with_its_own_size(
    memorised: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(monkeypatch, "be", LEARNING_RATE=0.05)
    net = module.unlearning(copy.deepcopy(memorised), Forbidden(), make_loaders()[1], Forbidden())
    assert net(draw_examples()[0]).shape == (128, CLASSES)
    wide = module.widen(memorised[2])
    assert torch.equal(wide.weight[:-1], memorised[2].weight)


def test_boundary_shrinking_never_takes_the_true_class(memorised: nn.Module) -> None:
    module = importlib.import_module("baselines.bs")
    x, y = draw_examples()
    assert not bool((module.find_nearest(memorised, x, y) == y).any())


def test_the_penalty_is_the_gradient_of_the_sum_of_absolute_weights(memorised: nn.Module) -> None:
    module = importlib.import_module("baselines.l1_sparse")
    net = copy.deepcopy(memorised)
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    module.penalise(net, 0.3)
    penalty = 0.3 * torch.stack([parameter.abs().sum() for parameter in net.parameters()]).sum()
    for parameter, gradient in zip(net.parameters(), torch.autograd.grad(penalty, list(net.parameters())), strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_pruned_weights_stay_nothing_bit_for_bit(memorised: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    state = run(load(monkeypatch, "prune_then_unlearn", SHARE=0.4), memorised)
    assert int((state["0.weight"] == 0).sum()) == round(0.4 * 6 * 24)
    assert int((state["2.weight"] == 0).sum()) == 0


def test_the_first_divergence_of_scrub_has_no_gradient(memorised: nn.Module) -> None:
    module = importlib.import_module("baselines.scrub")
    logits = memorised(draw_examples()[0]).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(module.diverge(logits, logits.detach()), logits)
    assert float(gradient.abs().max()) < 1e-6


def test_rewinding_takes_the_nearest_error_and_of_equals_the_latest() -> None:
    choose = importlib.import_module("baselines.scrub_r").choose
    kept = [(0.0, {"at": 0}), (0.3, {"at": 1}), (0.1, {"at": 2}), (0.1, {"at": 3})]
    assert choose(kept, 0.12) == {"at": 3}
    assert choose(kept, 0.29) == {"at": 1}


def test_bad_teaching_makes_the_forget_set_uncertain(memorised: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    def entropy(net: nn.Module) -> float:
        logs = net(draw_examples()[0][:32]).log_softmax(1)
        return float(-(logs.exp() * logs).sum(1).mean().detach())

    module = load(monkeypatch, "bad_teacher")
    torch.manual_seed(0)
    assert entropy(module.unlearning(copy.deepcopy(memorised), *make_loaders())) > entropy(memorised) + 0.02
