"""UGradSL+: fine-tuning on the retain set with a smoothed ascent on the forget set beside it.

Source: Di et al. 2024, "Label smoothing improves machine unlearning". As UGradSL, MIX · loss(retain) − (1 − MIX) ·
smoothed loss(forget) with negative smoothing by the share of near retain examples, but an epoch is a pass over the
retain set and the forget set is cycled.
Hyper-parameters: MIX 0.9, NEAR 0.3 (neither published), 2 epochs, learning rate 0.1 falling linearly to 0, momentum
0.9, weight decay 5e-4.
Cost: 2 passes over the retain set and as many forget batches.
Measured: not yet; `lacuna bench baselines/ugradsl_plus.py` does it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 2, 0.1, 0.9, 5e-4
MIX, NEAR = 0.9, 0.3


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * len(retain_loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(steps - step, 0) / steps)
    forget_batches = repeat(forget_loader)
    net.train()
    for _ in range(EPOCHS):
        for batch in retain_loader:
            retain_x, retain_y = unpack(batch, device)
            x, y = unpack(next(forget_batches), device)
            logits = net(torch.cat([retain_x, x]))  # one pass for both costs less than two
            retain, forget = logits[: len(retain_y)], logits[len(retain_y) :]
            loss = MIX * F.cross_entropy(retain, retain_y)
            if MIX < 1:
                loss = loss - (1 - MIX) * smooth_loss(forget, y, -find_rates(forget, retain)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    return net.eval()


def find_rates(forget: Tensor, retain: Tensor) -> Tensor:
    """Return for every forget example the share of retain examples near it, in [0, 1]."""
    with torch.no_grad():
        distances = torch.cdist(forget.softmax(1), retain.softmax(1)) / 2**0.5
        return (distances < NEAR).float().mean(1)


def smooth_loss(logits: Tensor, labels: Tensor, rates: Tensor) -> Tensor:
    """Cross-entropy with (1 − rate) of the label and rate / K of every class, one value an example."""
    logs = logits.log_softmax(1)
    true = logs.gather(1, labels[:, None]).squeeze(1)
    return -(1 - rates) * true - rates * logs.mean(1)


def repeat(loader: Iterable[Any]) -> Iterator[Any]:
    while True:
        yield from loader


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
