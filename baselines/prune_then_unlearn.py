"""Prune, then fine-tune: the smallest weights go for good, the others train on the retain set.

Source: Jia et al. 2023, "Model sparsity can simplify machine unlearning". They rewind the surviving weights to an
early epoch first, which a submission cannot, as it gets only the trained model: an approximation.
Hyper-parameters: SHARE 0.5 of all weights between layers by size over the whole network, the last layer aside (0.95
of the convolutions in the paper), 3 epochs, learning rate 0.1 falling linearly to 0, momentum 0.9, weight decay 5e-4.
Cost: 3 passes over the retain set; the forget set is never read.
Measured: not yet; `lacuna bench baselines/prune_then_unlearn.py` does it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 3, 0.1, 0.9, 5e-4
SHARE = 0.5


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    masks = choose_kept(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * len(retain_loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(steps - step, 0) / steps)
    prune(masks)
    net.train()
    for _ in range(EPOCHS):
        for batch in retain_loader:
            x, y = unpack(batch, device)
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            for weights, mask in masks:
                if weights.grad is not None:
                    weights.grad.mul_(mask)  # a weight of 0 without a gradient has no decay and no momentum either
            optimizer.step()
            scheduler.step()
    return net.eval()


def choose_kept(net: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Return every matrix that is pruned, and which of its entries stay."""
    matrices = [value for value in net.parameters() if value.dim() > 1][:-1]
    sizes = torch.cat([value.detach().abs().flatten() for value in matrices])
    kept = torch.ones_like(sizes)
    kept[sizes.argsort()[: round(SHARE * len(sizes))]] = 0
    parts = kept.split([value.numel() for value in matrices])
    return [(value, part.view_as(value)) for value, part in zip(matrices, parts, strict=True)]


@torch.no_grad()
def prune(masks: Iterable[tuple[Tensor, Tensor]]) -> None:
    for weights, mask in masks:
        weights.mul_(mask)


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
