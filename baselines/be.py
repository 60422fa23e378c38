"""Boundary expanding: the forget set is taught to belong to a class that does not exist, and the class is dropped.

Source: Chen et al. 2023, "Boundary unlearning". The last layer gets one more row; the forget set trains towards it;
the row goes, so that the network keeps its shape (the code that SalUn released leaves it, which makes metrics wrong).
Hyper-parameters: 10 epochs, learning rate 0.001 (1e-6 to 1e-4 on CIFAR-10), momentum 0.9, no weight decay, batch
normalisation frozen (the release lets the forget set's statistics in).
Cost: 10 passes over the forget set; the retain set is never read.
Measured: not yet; `lacuna bench baselines/be.py` does it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM = 10, 0.001, 0.9


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    net.eval()
    device = next(net.parameters()).device
    name, head = find_head(net)
    wide = widen(head)
    replace(net, name, wide)
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    for _ in range(EPOCHS):
        for batch in forget_loader:
            x, y = unpack(batch, device)
            optimizer.zero_grad()
            F.cross_entropy(net(x), torch.full_like(y, head.out_features)).backward()
            optimizer.step()
    with torch.no_grad():
        head.weight.copy_(wide.weight[:-1])
        if head.bias is not None:
            head.bias.copy_(wide.bias[:-1])
    replace(net, name, head)
    return net


def find_head(net: nn.Module) -> tuple[str, nn.Linear]:
    return [(name, module) for name, module in net.named_modules() if isinstance(module, nn.Linear)][-1]


@torch.no_grad()
def widen(head: nn.Linear) -> nn.Linear:
    """Return the same layer with one more output, freshly initialised."""
    wide = nn.Linear(head.in_features, head.out_features + 1, bias=head.bias is not None).to(head.weight)
    wide.weight[:-1] = head.weight
    if head.bias is not None:
        wide.bias[:-1] = head.bias
    return wide


def replace(net: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, module)


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
