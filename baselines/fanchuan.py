"""Uniform, then contrastive: forget examples are made uninformative while the retain set is learnt again.

Source: first prize of the NeurIPS 2023 unlearning challenge (team fanchuan). One epoch pulls the outputs of the
forget set towards uniform. Then in each epoch a forget round makes every forget example equally similar to all retain
examples of a large batch (softmax over the products of logits, the retain side held fixed), and a retain round trains
with large batches. Three optimisers.
Hyper-parameters: 3 epochs (8 in the contest), UNIFORM_RATE 0.005, FORGET_RATE 0.003 (3e-4) on a cosine, RETAIN_RATE
0.2 with WIDE 4 loader batches to a step (0.004 with 256 of 64), TEMPERATURE 1.15, momentum 0.9, weight decay 0.01 in
the retain rounds.
Cost: 1 pass over the forget set, then in each of 3 epochs one over the forget set, as many wide retain batches, and
one over the retain set.
Measured: not yet; `lacuna bench baselines/fanchuan.py` does it.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, WIDE, MOMENTUM, WEIGHT_DECAY = 3, 4, 0.9, 0.01
UNIFORM_RATE, FORGET_RATE, RETAIN_RATE, TEMPERATURE = 0.005, 0.003, 0.2, 1.15


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Any, val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    uniform, forget = (
        torch.optim.SGD(net.parameters(), lr=rate, momentum=MOMENTUM) for rate in (UNIFORM_RATE, FORGET_RATE)
    )
    retain = torch.optim.SGD(net.parameters(), lr=RETAIN_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = max(EPOCHS * len(forget_loader), 1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(forget, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    net.train()
    for batch in forget_loader:
        uniform.zero_grad()
        level(net(unpack(batch, device)[0])).backward()
        uniform.step()
    for _ in range(EPOCHS):
        for batch, (beside, _) in zip(forget_loader, widen(retain_loader, device), strict=False):
            forget.zero_grad()
            with torch.no_grad():
                fixed = net(beside)
            contrast(net(unpack(batch, device)[0]), fixed).backward()
            forget.step()
            scheduler.step()
        for x, y in widen(retain_loader, device):
            retain.zero_grad()
            F.cross_entropy(net(x), y).backward()
            retain.step()
    return net.eval()


def level(logits: Tensor) -> Tensor:
    """KL(uniform ‖ outputs), the mean over the batch."""
    return -logits.log_softmax(1).mean() - math.log(logits.shape[1])


def contrast(forget: Tensor, retain: Tensor) -> Tensor:
    """Every retain example is an equally likely partner; least where all similarities are equal."""
    return -(forget @ retain.T / TEMPERATURE).log_softmax(1).mean()


def widen(loader: Iterable[Any], device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Join WIDE batches of a loader into one."""
    held: list[tuple[Tensor, Tensor]] = []
    for batch in loader:
        held.append(unpack(batch, device))
        if len(held) == WIDE:
            yield torch.cat([x for x, _ in held]), torch.cat([y for _, y in held])
            held = []
    if held:
        yield torch.cat([x for x, _ in held]), torch.cat([y for _, y in held])


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
