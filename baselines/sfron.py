"""SFR-on: ascent on the forget set, bent by the retain set's curvature and kept to the weights that matter to it.

Source: Huang et al. 2024, "Unified gradient-based machine unlearning with remain geometry enhancement", as released.
Every step descends on a retain batch; every EVERYth one first ascends on a forget batch (R-on: what the following
descents leave of the ascent is bent by the retain set's Hessian). F: well remembered examples are pushed hardest, in
proportion to loss^(−ADAPTIVITY). S: only weights whose Fisher information of the forget set is at least RATIO times
that of the retain set take the ascent. One optimiser for both, its momentum shared, as released.
Ablations of the paper: JOINT 1 (one summed loss a step), MASKED 0 without ADAPTIVITY (R-on), MASKED 0 (F, R-on).
Hyper-parameters: AMPLITUDE 5 (25 on CIFAR-10) times a cosine, EVERY 2 (5), ADAPTIVITY 0.5, RATIO 1, CLIP 7, SLOW 1
(off), 2 epochs of the retain set, learning rate 0.1 on a cosine, momentum 0.9, weight decay 5e-4.
Cost: 1 pass over both sets for the masks, 2 over the retain set and as many forget batches as every second step.
Measured: lacuna-3 score 0.255 ± 0.079 (F forget 0.28, test 0.30, retain 0.32), 2023 score 0.013, UA 5.8, RA 98.4, TA
94.4, Avg. Gap 4.9, relative runtime 11.1 % ± 48.3; digits, 32 replicas, two cores of a shared x86-64 machine, torch
2.13.0 (CPU).
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 2, 0.1, 0.9, 5e-4
AMPLITUDE, EVERY, ADAPTIVITY, RATIO, CLIP, SLOW = 5.0, 2, 0.5, 1.0, 7.0, 1.0
JOINT, MASKED = 0, 1


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    masks = choose_weights(net, retain_loader, forget_loader, device) if MASKED else []
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * len(retain_loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    retain, forget, slow = repeat(retain_loader), repeat(forget_loader), copy_of(net)
    net.train()
    for step in range(steps):
        strength = AMPLITUDE * 0.5 * (1 + math.cos(math.pi * step / steps))
        if step % EVERY == 0 and strength > 0 and not JOINT:
            optimizer.zero_grad()
            (-strength * weigh(net, *unpack(next(forget), device))).backward()
            mask_gradients(net, masks)
            nn.utils.clip_grad_norm_(net.parameters(), CLIP)
            optimizer.step()
        x, y = unpack(next(retain), device)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        if JOINT:
            loss = loss - strength / EVERY * weigh(net, *unpack(next(forget), device))
        loss.backward()
        if JOINT:
            nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        optimizer.step()
        scheduler.step()
        if step % EVERY == EVERY - 1 and SLOW < 1:
            slow = interpolate(net, slow)
    return net.eval()


def weigh(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """The mean loss of a forget batch, its weights summing to the batch's size."""
    losses = F.cross_entropy(net(x), y, reduction="none")
    weights = losses.detach().clamp(min=1e-8) ** -ADAPTIVITY
    return (losses * weights * (len(y) / weights.sum())).mean()


def choose_weights(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], device: torch.device
) -> list[Tensor]:
    """Return for every parameter which entries the ascent may move: 1 or 0."""
    net.eval()
    forget, retain = (measure_fisher(net, loader, device) for loader in (forget_loader, retain_loader))
    return [((ours + 1e-15) / (theirs + 1e-15) >= RATIO).float() for ours, theirs in zip(forget, retain, strict=True)]


def measure_fisher(net: nn.Module, loader: Iterable[Any], device: torch.device) -> list[Tensor]:
    """The mean of squared batch gradients, as released."""
    parameters = list(net.parameters())
    found, batches = [torch.zeros_like(parameter) for parameter in parameters], 0
    for batch in loader:
        x, y = unpack(batch, device)
        gradients = torch.autograd.grad(F.cross_entropy(net(x), y), parameters)
        for total, gradient in zip(found, gradients, strict=True):
            total += gradient.square()
        batches += 1
    return [total / max(batches, 1) for total in found]


def mask_gradients(net: nn.Module, masks: list[Tensor]) -> None:
    for parameter, mask in zip(net.parameters(), masks, strict=bool(masks)):
        if parameter.grad is not None:
            parameter.grad.mul_(mask)


def copy_of(net: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in net.parameters()]


@torch.no_grad()
def interpolate(net: nn.Module, slow: list[Tensor]) -> list[Tensor]:
    """Go SLOW of the way from where the cycle began to where it ended."""
    for parameter, start in zip(net.parameters(), slow, strict=True):
        parameter.copy_(start + SLOW * (parameter - start))
    return copy_of(net)


def repeat(loader: Iterable[Any]) -> Iterator[Any]:
    while True:
        yield from loader


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
