"""Transposed kernels or pseudo-labels: every run draws which of two methods it is.

Source: fifth prize of the NeurIPS 2023 unlearning challenge (toshi_k and marvelworld), as entered: of 512 runs 246
transposed every convolution kernel and trained on the retain set, 266 relabelled forget examples that models without
them would call something else and trained on both. A network without convolutions is only fine-tuned in the first
case.
Hyper-parameters: TRANSPOSED 246 / 512; 3 epochs after transposing; those of `pseudo_label.py` otherwise; learning
rates 0.1 falling linearly to 0, momentum 0.9, weight decay 5e-4.
Cost: 3 or 4 passes over the retain set, 3 forward passes over the forget set in the second case.
Measured: not yet; `lacuna bench baselines/transpose_pseudo_mix.py` does it.
"""

import copy
import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TUNE_EPOCHS, FRESH_EPOCHS, EPOCHS = 1, 1, 2
TUNE_RATE, FRESH_RATE, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 0.1, 0.1, 0.1, 0.9, 5e-4
CERTAIN = 0.5
TRANSPOSED, TRANSPOSED_EPOCHS = 246 / 512, 3


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    if float(torch.rand(())) < TRANSPOSED:
        transpose(net)
        return train(net, retain_loader, TRANSPOSED_EPOCHS, LEARNING_RATE)
    device = next(net.parameters()).device
    forget = [unpack(batch, device) for batch in forget_loader]
    x, y = torch.cat([inputs for inputs, _ in forget]), torch.cat([labels for _, labels in forget])
    tuned = train(copy.deepcopy(net), retain_loader, TUNE_EPOCHS, TUNE_RATE)
    fresh = train(reset(copy.deepcopy(net)), retain_loader, FRESH_EPOCHS, FRESH_RATE)
    labels = relabel(net.eval()(x), tuned(x), fresh(x), y)
    moved = labels != y
    return train(net, retain_loader, EPOCHS, LEARNING_RATE, beside=(x[moved], labels[moved]))


@torch.no_grad()
def transpose(net: nn.Module) -> None:
    """Swap both axes of square kernels; those of 1×1 stay what they are."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.weight.shape[2] == module.weight.shape[3]:
            module.weight.copy_(module.weight.transpose(2, 3).clone())


@torch.no_grad()
def relabel(original: Tensor, tuned: Tensor, fresh: Tensor, y: Tensor) -> Tensor:
    """Return the new labels; where neither rule speaks, the old ones."""
    guess, logs = fresh.argmax(1), fresh.log_softmax(1)
    certain = -(logs.exp() * logs).sum(1) < CERTAIN * math.log(fresh.shape[1])
    labels = torch.where(certain & (guess != y), guess, y)
    changed = (original.argmax(1) == y) & (tuned.argmax(1) != y)
    return torch.where(changed, tuned.argmax(1), labels)


def train(
    net: nn.Module, loader: Any, epochs: int, rate: float, beside: tuple[Tensor, Tensor] | None = None
) -> nn.Module:
    """Train on the loader; the examples beside it are dealt out evenly over its batches."""
    device = next(net.parameters()).device
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = max(epochs * len(loader), 1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(steps - step, 0) / steps)
    net.train()
    for _ in range(epochs):
        for batch, rows in zip(loader, deal(beside, len(loader), device), strict=True):
            x, y = unpack(batch, device)
            if beside is not None and len(rows):
                x, y = torch.cat([x, beside[0][rows]]), torch.cat([y, beside[1][rows]])
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            scheduler.step()
    return net.eval()


def deal(beside: tuple[Tensor, Tensor] | None, batches: int, device: torch.device) -> Iterator[Tensor]:
    order = torch.randperm(len(beside[1]) if beside is not None else 0, device=device)
    yield from order.tensor_split(batches)


def reset(net: nn.Module) -> nn.Module:
    for module in net.modules():
        draw = getattr(module, "reset_parameters", None)
        if callable(draw):
            draw()
    return net


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
