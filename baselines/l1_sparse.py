"""Sparsity-aware fine-tuning: training on the retain set with a penalty on the size of every weight.

Source: Jia et al. 2023, "Model sparsity can simplify machine unlearning". The loss is that of the retain batch plus
PENALTY · the sum of all absolute weights; the penalty falls linearly to 0 over the epochs.
Hyper-parameters: PENALTY 5e-4 (1e-6 to 5e-4 in the literature), 3 epochs, learning rate 0.1 falling linearly to 0,
momentum 0.9, weight decay 5e-4. The penalty's gradient, its sign, is added by hand.
Cost: 3 passes over the retain set; the forget set is never read.
Measured: not yet; `lacuna bench baselines/l1_sparse.py` does it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 3, 0.1, 0.9, 5e-4
PENALTY = 5e-4


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * len(retain_loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(steps - step, 0) / steps)
    net.train()
    for epoch in range(EPOCHS):
        for batch in retain_loader:
            x, y = unpack(batch, device)
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            penalise(net, PENALTY * (1 - epoch / EPOCHS))
            optimizer.step()
            scheduler.step()
    return net.eval()


@torch.no_grad()
def penalise(net: nn.Module, strength: float) -> None:
    """Add the gradient of strength · the sum of absolute weights."""
    for parameter in net.parameters():
        if parameter.grad is not None:
            parameter.grad.add_(parameter.sign(), alpha=strength)


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
