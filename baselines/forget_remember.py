"""Forget and remember in turns: whole layers start anew, then the network imitates the original's logits.

Source: eighth prize of the NeurIPS 2023 unlearning challenge (team Forget). In each cycle LAYERS layers are drawn
with replacement, the last one and projection shortcuts aside, and start anew; then the network minimises the squared
difference from the original's logits on retain images with a little noise. No label is used.
Hyper-parameters: 2 cycles of 1 and 2 epochs (1, 2 and 2 in the contest), LAYERS 1 (6), learning rate 0.05 (0.001) on
a cosine of period 2 carried over the cycles, NOISE 0.01, momentum 0.9, weight decay 5e-4.
Cost: 3 passes over the retain set, a third more for the original; the forget set is never read.
Measured: not yet; `lacuna bench baselines/forget_remember.py` does it.
"""

import copy
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CYCLES, LAYERS = (1, 2), 1
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, NOISE = 0.05, 0.9, 5e-4, 0.01


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    original = copy.deepcopy(net).eval().requires_grad_(False)
    pool = list_layers(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5 * (1 + math.cos(math.pi * epoch / 2)))
    net.train()
    for epochs in CYCLES:
        for index in torch.randint(len(pool), (LAYERS,)).tolist() if pool else ():
            pool[index].reset_parameters()
        for _ in range(epochs):
            for batch in retain_loader:
                x = unpack(batch, device)[0]
                x = x + NOISE * torch.randn_like(x)
                optimizer.zero_grad()
                F.mse_loss(net(x), original(x)).backward()
                optimizer.step()
            scheduler.step()
    return net.eval()


def list_layers(net: nn.Module) -> list[Any]:
    """Layers with weights of their own but for the last one and shortcuts."""
    found = [
        (name, module) for name, module in net.named_modules() if callable(getattr(module, "reset_parameters", None))
    ]
    head = [module for _, module in found if isinstance(module, nn.Linear)][-1]
    return [
        module
        for name, module in found
        if module is not head and "downsample" not in name and "shortcut" not in name and list(module.parameters())
    ]


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
