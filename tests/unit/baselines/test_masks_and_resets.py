"""What methods that mask, reset or relabel must leave as it was, bit for bit, and what not."""

import copy
import importlib
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sandbox.problems.fashion_mnist.model import build as build_convolutional
from tests.small_methods import (
    CLASSES,
    assert_close,
    draw_examples,
    load,
    make_loaders,
    run,
)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_salun_leaves_unsalient_weights_bit_for_bit(
    share: float, memorised: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(monkeypatch, "salun", SHARE=share)
    masks = module.choose_salient(copy.deepcopy(memorised), make_loaders()[1], torch.device("cpu"))
    state = run(module, memorised)
    moved = total = 0
    for mask, (name, before) in zip(masks, memorised.state_dict().items(), strict=True):
        assert torch.equal(state[name][mask == 0], before[mask == 0])
        moved += int(mask.sum())
        total += mask.numel()
    assert moved == round(share * total)


def test_salun_chooses_over_the_whole_network_not_layer_by_layer(memorised: nn.Module) -> None:
    module = importlib.import_module("baselines.salun")
    masks = module.choose_salient(copy.deepcopy(memorised), make_loaders()[1], torch.device("cpu"))
    assert len({round(float(mask.mean()), 2) for mask in masks}) > 1


def test_the_soft_threshold_leaves_its_share_where_it_was(memorised: nn.Module) -> None:
    module = importlib.import_module("baselines.salun_soft")
    net = copy.deepcopy(memorised)
    anchor = nn.utils.parameters_to_vector(net.parameters()).detach().clone()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter))
    module.shrink(net, anchor, 0.25)
    unchanged = nn.utils.parameters_to_vector(net.parameters()) == anchor
    assert float(unchanged.float().mean()) == pytest.approx(0.25, abs=0.01)


def test_the_weights_of_sfron_sum_to_the_batch_and_push_what_is_well_known(monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(monkeypatch, "sfron", ADAPTIVITY=0.5)
    logits = torch.tensor([[4.0, 0.0], [0.0, 0.0], [0.0, 4.0]], requires_grad=True)
    labels = torch.zeros(3, dtype=torch.long)
    losses = F.cross_entropy(logits, labels, reduction="none").detach()
    weights = losses**-0.5 * 3 / (losses**-0.5).sum()
    assert float(weights.sum()) == pytest.approx(3)
    assert weights[0] > weights[1] > weights[2]
    found = module.weigh(nn.Identity(), logits, labels)
    torch.testing.assert_close(found.detach(), (weights * losses).mean())


def test_sfron_masks_all_or_nothing_at_the_ends_of_its_ratio(
    memorised: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaders = make_loaders()
    for ratio, share in ((0.0, 1.0), (1e30, 0.0)):
        module = load(monkeypatch, "sfron", RATIO=ratio)
        masks = module.choose_weights(memorised, *loaders[:2], torch.device("cpu"))
        assert {float(mask.mean()) for mask in masks} == {share}


@pytest.mark.parametrize("name", ["ugradsl", "ugradsl_plus"])
def test_smoothed_losses_are_torchs_own_for_positive_rates(name: str) -> None:
    module = importlib.import_module(f"baselines.{name}")
    logits, labels = torch.randn(5, CLASSES), torch.arange(5) % CLASSES
    expected = F.cross_entropy(logits, labels, label_smoothing=0.3, reduction="none")
    torch.testing.assert_close(module.smooth_loss(logits, labels, torch.full((5,), 0.3)), expected)
    rates = module.find_rates(logits, torch.randn(9, CLASSES))
    assert bool(((rates >= 0) & (rates <= 1)).all())


def test_fanchuan_s_contrast_is_least_where_all_similarities_are_equal() -> None:
    module = importlib.import_module("baselines.fanchuan")
    retain = torch.randn(6, CLASSES)
    assert float(module.contrast(torch.zeros(3, CLASSES), retain)) == pytest.approx(math.log(6))
    assert float(module.contrast(torch.randn(3, CLASSES), retain)) > math.log(6)
    expected = math.log(0.5 / 0.25) / 2 + math.log(0.5 / 0.75) / 2
    assert float(module.level(torch.log(torch.tensor([[0.25, 0.75]])))) == pytest.approx(expected, rel=1e-5)


def test_pruning_with_entropy_draws_its_share_anew_and_ends_in_half_precision(
    memorised: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(monkeypatch, "prune_entropy", SHARE=0.6)
    net = copy.deepcopy(memorised)
    module.prune(net)
    changed = sum(
        int((left != right).sum()) for left, right in zip(net.parameters(), memorised.parameters(), strict=True)
    )
    assert changed == round(0.6 * sum(parameter.numel() for parameter in net.parameters()))
    state = run(module, memorised)
    assert all(torch.equal(value, value.half().float()) for value in state.values())


def test_transposing_twice_restores_and_leaves_small_kernels() -> None:
    module = importlib.import_module("baselines.transpose")
    net = nn.Sequential(build_convolutional(3, (1, 8, 8), channels=(2, 3), hidden=4), nn.Conv2d(2, 2, 1))
    before = copy.deepcopy(net.state_dict())
    module.transpose(net)
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert not any(name.startswith("1.") for name in changed)
    module.transpose(net)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_pseudo_labels_are_given_by_either_rule_alone() -> None:
    module = importlib.import_module("baselines.pseudo_label")
    sure, other, flat = [9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.1, 0.0]
    original = torch.tensor([sure, sure, sure, other])
    tuned = torch.tensor([other, sure, sure, other])
    fresh = torch.tensor([flat, other, flat, other])
    found = module.relabel(original, tuned, fresh, torch.tensor([0, 0, 0, 1]))
    assert found.tolist() == [1, 1, 0, 1]


def test_only_the_ends_are_reset_before_distilling(memorised: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, CLASSES))
    state = run(load(monkeypatch, "reset_distill", WARM_EPOCHS=0, EPOCHS=0), deep)
    changed = {name for name, value in state.items() if not torch.equal(value, deep.state_dict()[name])}
    assert changed == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_what_noise_injection_did_not_draw_stays_bit_for_bit(memorised: nn.Module) -> None:
    module = importlib.import_module("baselines.noise_injection")
    net = copy.deepcopy(memorised)
    module.train(net, make_loaders()[0], [net[0].weight], 0.1, 1)
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, memorised.state_dict()[name])}
    assert changed == {"0.weight"}
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_remembering_reads_no_label_and_keeps_head_and_shortcuts(
    memorised: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("baselines.forget_remember")
    assert module.list_layers(memorised) == [memorised[0]]
    retain, *rest = make_loaders()
    blank = [(batch[0], torch.zeros_like(batch[1])) for batch in retain]
    assert_close(run(module, memorised, (retain, *rest)), run(module, memorised, (blank, *rest)))


def test_a_newton_step_moves_the_head_towards_the_one_trained_without_the_forget_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a model that is convex and at its minimum; the blocks of the Hessian between classes are left out."""
    ridge = 0.05
    x, y = draw_examples()
    with_forget, without = (fit_head(x[part], y[part], ridge) for part in (slice(None), slice(32, None)))
    module = load(monkeypatch, "newton_head", RIDGE=ridge, SPREAD=0.0)
    state = run(module, with_forget)
    before, after = (
        float(torch.linalg.vector_norm(weight - without.weight.detach()))
        for weight in (with_forget.weight.detach(), state["weight"])
    )
    assert after < 0.6 * before


def fit_head(x: Tensor, y: Tensor, ridge: float) -> nn.Linear:
    torch.manual_seed(0)
    head = nn.Linear(6, CLASSES)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=200)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(head(x), y) + ridge / 2 * sum(p.square().sum() for p in head.parameters())
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return head
