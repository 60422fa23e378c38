"""Transpose: the two axes of every convolution kernel are swapped, then the retain set is learnt again.

Source: fifth prize of the NeurIPS 2023 unlearning challenge (toshi_k and marvelworld), one half of it. A network
without convolutions is only fine-tuned.
Hyper-parameters: 3 epochs, learning rate 0.1 (0.001 in the contest) on a cosine, momentum 0.9, weight decay 5e-4.
Cost: 3 passes over the retain set; the forget set is never read.
Measured: not yet; `lacuna bench baselines/transpose.py` does it.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 3, 0.1, 0.9, 5e-4


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    transpose(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * len(retain_loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    net.train()
    for _ in range(EPOCHS):
        for batch in retain_loader:
            x, y = unpack(batch, device)
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            scheduler.step()
    return net.eval()


@torch.no_grad()
def transpose(net: nn.Module) -> None:
    """Swap both axes of square kernels; those of 1×1 stay what they are."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.weight.shape[2] == module.weight.shape[3]:
            module.weight.copy_(module.weight.transpose(2, 3).clone())


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
