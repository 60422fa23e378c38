"""Boundary shrinking: every forget example is moved to the class that lies nearest to it across the boundary.

Source: Chen et al. 2023, "Boundary unlearning". The original finds the class of x + BOUND · sign of the loss's
gradient; the network then learns the unchanged x with that label. Where the step did not change the class, the next
best one is taken (the release keeps the true label then).
Hyper-parameters: BOUND 0.1 of the values' range, 10 epochs, learning rate 5e-4 (1e-6 to 1e-4 on CIFAR-10), momentum
0.9, no weight decay, batch normalisation frozen (the release lets the forget set's statistics in).
Cost: 10 passes over the forget set, and 2 and a third for the labels, which are found once; the retain set is never
read.
Measured: not yet; `lacuna bench baselines/bs.py` does it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM = 10, 5e-4, 0.9
BOUND = 0.1


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    net.eval()
    device = next(net.parameters()).device
    batches = [unpack(batch, device) for batch in forget_loader]
    x = torch.cat([inputs for inputs, _ in batches])
    labels = torch.cat([find_nearest(net, inputs, truth) for inputs, truth in batches])
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(labels), device=device).split(len(batches[0][1])):
            optimizer.zero_grad()
            F.cross_entropy(net(x[rows]), labels[rows]).backward()
            optimizer.step()
    return net


def find_nearest(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the class across the boundary, never the true one."""
    asked = x.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(F.cross_entropy(net(asked), y, reduction="sum"), asked)
    low, high = x.min(), x.max()
    moved = (x + BOUND * (high - low) * gradient.sign()).clamp(low, high)
    with torch.no_grad():
        logits: Tensor = net(moved)
    return logits.scatter(1, y[:, None], float("-inf")).argmax(1)


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
