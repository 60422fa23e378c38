"""Soft SalUn: random labels with a threshold that pulls the smallest changes back to nothing after every step.

Source: Fan et al. 2024, the proximal form. After each step the changes since the original shrink by the size below
which a share of all weights' changes lies; the share falls linearly from START to 0. The anchor is the original
throughout (the release takes a new one every epoch).
Hyper-parameters: START 0.5 (not published), 2 epochs, learning rate 0.02 falling linearly to 0, momentum 0.9, weight
decay 5e-4; a wrong label is drawn anew each epoch, the forget set comes first.
Cost: 2 passes over both sets and a selection among all weights at each step.
Measured: not yet; `lacuna bench baselines/salun_soft.py` does it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 2, 0.02, 0.9, 5e-4
START = 0.5


def unlearning(net: nn.Module, retain_loader: Any, forget_loader: Any, val_loader: Iterable[Any]) -> nn.Module:
    device = next(net.parameters()).device
    anchor = nn.utils.parameters_to_vector(net.parameters()).detach().clone()
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps, done = EPOCHS * (len(retain_loader) + len(forget_loader)), 0
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(steps - step, 0) / steps)
    net.train()
    for _ in range(EPOCHS):
        for loader in (forget_loader, retain_loader):
            for batch in loader:
                x, y = unpack(batch, device)
                optimizer.zero_grad()
                logits = net(x)
                labels = draw_wrong_labels(y, logits.shape[1]) if loader is forget_loader else y
                F.cross_entropy(logits, labels).backward()
                optimizer.step()
                scheduler.step()
                shrink(net, anchor, START * (1 - done / steps))
                done += 1
    return net.eval()


@torch.no_grad()
def shrink(net: nn.Module, anchor: Tensor, share: float) -> None:
    """Soft-threshold the changes since the anchor so that the share of them is nothing."""
    smallest = round(share * len(anchor))
    if smallest < 1:
        return
    change = nn.utils.parameters_to_vector(net.parameters()) - anchor
    threshold = change.abs().kthvalue(smallest).values
    kept = anchor + change.sign() * (change.abs() - threshold).clamp(min=0)
    for parameter, part in zip(net.parameters(), kept.split([p.numel() for p in net.parameters()]), strict=True):
        parameter.copy_(part.view_as(parameter))


def draw_wrong_labels(labels: Tensor, classes: int) -> Tensor:
    """Draw uniformly among the other classes."""
    return (labels + torch.randint(1, classes, labels.shape, device=labels.device)) % classes


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
