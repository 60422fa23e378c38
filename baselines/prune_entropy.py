"""Prune and draw anew, then learn the retain set back at the original's own certainty.

Source: fourth prize of the NeurIPS 2023 unlearning challenge (Sebastian Oleszko). The SHARE of the smallest weights
and biases of convolutions and matrices, over the whole network, is drawn anew from the framework's uniform law
(biases become 0). Training adds to a class-weighted cross-entropy the mean squared difference between the entropies
of the network and of the original. At the end the weights pass through half precision.
Hyper-parameters: SHARE 0.4 (0.99 in the contest), 2 epochs (3.2), learning rate 0.15 (5e-4), momentum 0.9, weight
decay 5e-4, class weights count^(−0.1), no schedule.
Cost: 2 passes over the retain set, a third more for the original; the forget set is never read.
Measured: not yet; `lacuna bench baselines/prune_entropy.py` does it.
"""

import copy
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 2, 0.15, 0.9, 5e-4
SHARE, CLASS_POWER = 0.4, -0.1


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    original = copy.deepcopy(net).eval().requires_grad_(False)
    counts = torch.cat([unpack(batch, device)[1] for batch in retain_loader]).bincount()
    prune(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    net.train()
    for batch in islice(repeat(retain_loader), int(EPOCHS * len(retain_loader))):
        x, y = unpack(batch, device)
        logits = net(x)
        weights = counts.new_ones(logits.shape[1]).scatter(0, torch.arange(len(counts), device=device), counts)
        optimizer.zero_grad()
        loss = F.cross_entropy(logits, y, weight=weights.clamp(min=1).float() ** CLASS_POWER)
        (loss + (entropy(logits) - entropy(original(x))).square().mean()).backward()
        optimizer.step()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(parameter.half().to(parameter.dtype))
    return net.eval()


@torch.no_grad()
def prune(net: nn.Module) -> None:
    """Draw the smallest entries of all layers anew."""
    layers = [module for module in net.modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    parts = [(layer, tensor) for layer in layers for tensor in (layer.weight, layer.bias) if tensor is not None]
    sizes = torch.cat([tensor.abs().flatten() for _, tensor in parts])
    pruned = torch.zeros_like(sizes, dtype=torch.bool)
    pruned[sizes.argsort()[: round(SHARE * len(sizes))]] = True
    for (layer, tensor), chosen in zip(parts, pruned.split([tensor.numel() for _, tensor in parts]), strict=True):
        reach = layer.weight[0].numel() ** -0.5 if tensor.dim() > 1 else 0.0
        fresh = torch.empty_like(tensor).uniform_(-reach, reach)
        tensor.copy_(torch.where(chosen.view_as(tensor), fresh, tensor))


def entropy(logits: Tensor) -> Tensor:
    logs = logits.log_softmax(1)
    return -(logs.exp() * logs).sum(1)


def repeat(loader: Iterable[Any]) -> Iterator[Any]:
    while True:
        yield from loader


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
