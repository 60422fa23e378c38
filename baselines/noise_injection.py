"""Noise here and there: each epoch a few tensors get noise and only they train, then all of them.

Source: seventh prize of the NeurIPS 2023 unlearning challenge (Jiaxi Sun). The last layer starts anew for a first
epoch over the whole network. In each of the next epochs CHOSEN of the parameter tensors, those of norms aside, are
drawn; NOISY of the drawn that had none before take noise; the drawn and the norms train. At the end all train.
Hyper-parameters: CHOSEN 0.4 of the tensors (9 of ResNet-18's 22), NOISY 0.7, NOISE 0.1 (0.04), 1, 1 and 2 epochs (1,
4 and 4), learning rate 0.1 and LAST_RATE 0.1 in the last epoch (2e-4 and 1e-3), momentum 0.9, weight decay 5e-4.
Cost: 4 passes over the retain set; the forget set is never read.
Measured: not yet; `lacuna bench baselines/noise_injection.py` does it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FIRST_EPOCHS, PART_EPOCHS, ALL_EPOCHS = 1, 1, 2
LEARNING_RATE, LAST_RATE, MOMENTUM, WEIGHT_DECAY = 0.1, 0.1, 0.9, 5e-4
CHOSEN, NOISY, NOISE = 0.4, 0.7, 0.1
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    [module for module in net.modules() if isinstance(module, nn.Linear)][-1].reset_parameters()
    everything = list(net.parameters())
    norms = [value for module in net.modules() if isinstance(module, NORMS) for value in module.parameters()]
    tensors = [value for value in everything if not any(value is other for other in norms)]
    net.train()
    train(net, retain_loader, everything, LEARNING_RATE, FIRST_EPOCHS)
    had_noise: set[int] = set()
    for _ in range(PART_EPOCHS):
        drawn = torch.randperm(len(tensors))[: max(round(CHOSEN * len(tensors)), 1)].tolist()
        new = [index for index in drawn if index not in had_noise][: max(int(NOISY * len(drawn)), 1)]
        had_noise |= set(new)
        disturb([tensors[index] for index in new])
        train(net, retain_loader, [*(tensors[index] for index in drawn), *norms], LEARNING_RATE, 1)
    for epoch in range(ALL_EPOCHS):
        train(net, retain_loader, everything, LAST_RATE if epoch == ALL_EPOCHS - 1 else LEARNING_RATE, 1)
    return net.eval()


@torch.no_grad()
def disturb(tensors: Iterable[Tensor]) -> None:
    for tensor in tensors:
        tensor.add_(torch.randn_like(tensor), alpha=NOISE)


def train(net: nn.Module, loader: Iterable[Any], chosen: Sequence[Tensor], rate: float, epochs: int) -> None:
    """Train the chosen tensors; the others stay bit for bit."""
    device = next(net.parameters()).device
    for parameter in net.parameters():
        parameter.requires_grad_(any(parameter is other for other in chosen))
    optimizer = torch.optim.SGD(chosen, lr=rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    for _ in range(epochs):
        for batch in loader:
            x, y = unpack(batch, device)
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    net.requires_grad_(True)


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
