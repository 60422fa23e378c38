"""UGradSL: gradient ascent with smoothed labels, each forget batch beside a random retain batch.

Source: Di et al. 2024, "Label smoothing improves machine unlearning". The loss is MIX · loss(retain) − (1 − MIX) ·
smoothed loss(forget). An example's smoothing is the share of retain examples in the batch whose outputs lie within
NEAR of its own; it is negative, so that the true class is pushed away harder and every other class is drawn near. The
distance is not published: here that between probabilities over the root of two, so that it lies in [0, 1].
Hyper-parameters: MIX 0.9, NEAR 0.3 (neither published), 10 epochs of the forget set, learning rate 0.02, momentum
0.9, weight decay 5e-4.
Cost: 10 passes over the forget set and as many retain batches.
Measured: not yet; `lacuna bench baselines/ugradsl.py` does it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 10, 0.02, 0.9, 5e-4
MIX, NEAR = 0.9, 0.3


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    retain_batches = repeat(retain_loader)
    net.train()
    for _ in range(EPOCHS):
        for batch in forget_loader:
            x, y = unpack(batch, device)
            retain_x, retain_y = unpack(next(retain_batches), device)
            logits = net(torch.cat([retain_x, x]))  # one pass for both costs less than two
            retain, forget = logits[: len(retain_y)], logits[len(retain_y) :]
            loss = MIX * F.cross_entropy(retain, retain_y)
            if MIX < 1:
                loss = loss - (1 - MIX) * smooth_loss(forget, y, -find_rates(forget, retain)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
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
