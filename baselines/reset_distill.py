"""Reset the ends, distil the middle: first and last layer start anew under the original as a teacher.

Source: sixth prize of the NeurIPS 2023 unlearning challenge (Algorithmic Amnesiacs). After the reset the network
warms up on the validation set by KL divergence from the original at TEMPERATURE, then trains on the retain set with
cross-entropy, cross-entropy against the teacher's outputs and KL divergence, both at TEMPERATURE.
Hyper-parameters: TEMPERATURE 5, WARM_EPOCHS 2 (3) with WARM_RATE 0.3, 3 epochs with learning rate 0.2 on a cosine
(9e-4 and 1e-3 in the contest), momentum 0.9, weight decay 5e-4.
Cost: 2 passes over the validation set and 3 over the retain set, a third more for the original; the forget set is
never read.
Measured: not yet; `lacuna bench baselines/reset_distill.py` does it.
"""

import copy
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WARM_EPOCHS, EPOCHS, WARM_RATE, LEARNING_RATE = 2, 3, 0.3, 0.2
MOMENTUM, WEIGHT_DECAY, TEMPERATURE = 0.9, 5e-4, 5.0


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    teacher = copy.deepcopy(net).eval().requires_grad_(False)
    reset_ends(net)
    net.train()
    optimizer = torch.optim.SGD(net.parameters(), lr=WARM_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    for _ in range(WARM_EPOCHS):
        for batch in val_loader:
            x, _ = unpack(batch, device)
            optimizer.zero_grad()
            diverge(net(x), teacher(x)).backward()
            optimizer.step()
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    steps = max(EPOCHS * len(retain_loader), 1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    for _ in range(EPOCHS):
        for batch in retain_loader:
            x, y = unpack(batch, device)
            optimizer.zero_grad()
            logits, goal = net(x), teacher(x)
            soft = F.cross_entropy(logits / TEMPERATURE, (goal / TEMPERATURE).softmax(1))
            (F.cross_entropy(logits, y) + soft + diverge(logits, goal)).backward()
            optimizer.step()
            scheduler.step()
    return net.eval()


def reset_ends(net: nn.Module) -> None:
    layers = [module for module in net.modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    for layer in (layers[0], layers[-1]):
        layer.reset_parameters()


def diverge(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher ‖ student) at the temperature, the mean over the batch."""
    goal, own = F.log_softmax(teacher / TEMPERATURE, 1), F.log_softmax(student / TEMPERATURE, 1)
    return F.kl_div(own, goal, reduction="batchmean", log_target=True)


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
