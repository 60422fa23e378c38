"""Prune, draw anew, repair: erase nearly all weights and train them back with the original's entropy as a guide.

Source: fourth prize of the NeurIPS 2023 unlearning challenge (Sebastian Oleszko).
 1. The SHARE of convolution and linear weights and biases that is smallest in size over the whole network is erased:
    weights are drawn from U(±1/√fan-in), biases set to 0.
 2. Training on the retain set: cross-entropy weighted per class by count^(−0.1), plus the mean squared difference
    between the entropies of the network's and the original's predictions.
 3. Weights are rounded to half precision and back.
Cost: EPOCHS · 4/3 passes over the retain set (the original only looks); the forget set is never read.
"""

import copy
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 3, 0.2, 0.9, 5e-4
SHARE, COUNT_POWER, ENTROPY_SHARE = 0.7, -0.1, 1.0


def unlearning(net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]) -> nn.Module:
    device = next(net.parameters()).device
    original = copy.deepcopy(net).eval()
    erase(net)
    importance = weigh_classes(retain_loader, device)
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * len(retain_loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(steps - step, 0) / steps)
    net.train()
    for _ in range(EPOCHS):
        for batch in retain_loader:
            x, y = unpack(batch, device)
            logits = net(x)
            with torch.no_grad():
                guide = compute_entropy(original(x))
            fit = F.cross_entropy(logits, y, weight=importance[: logits.shape[1]])
            optimizer.zero_grad()
            (fit + ENTROPY_SHARE * F.mse_loss(compute_entropy(logits), guide)).backward()
            optimizer.step()
            scheduler.step()
    round_weights(net)
    return net.eval()


@torch.no_grad()
def erase(net: nn.Module) -> None:
    layers = [module for module in net.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    sizes = [value.abs().flatten() for layer in layers for value in layer.parameters()]
    every = torch.cat(sizes)
    bound = every.kthvalue(max(int(SHARE * every.numel()), 1)).values
    for layer in layers:
        limit = 1 / math.sqrt(layer.weight[0].numel())
        fresh = torch.empty_like(layer.weight).uniform_(-limit, limit)
        layer.weight.copy_(torch.where(layer.weight.abs() <= bound, fresh, layer.weight))
        if layer.bias is not None:
            layer.bias.mul_(layer.bias.abs() > bound)


def weigh_classes(loader: Iterable[Any], device: torch.device) -> Tensor:
    counts = torch.bincount(torch.cat([unpack(batch, device)[1] for batch in loader])).clamp(min=1)
    weights = counts.double() ** COUNT_POWER
    return (weights / weights.mean()).float()


def compute_entropy(logits: Tensor) -> Tensor:
    scores = F.log_softmax(logits, dim=1)
    return -(scores.exp() * scores).sum(dim=1)


@torch.no_grad()
def round_weights(net: nn.Module) -> None:
    for value in net.parameters():
        value.copy_(value.half().to(value.dtype))


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
