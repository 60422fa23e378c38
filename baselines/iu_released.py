"""Influence unlearning as its code was released: a recursion in which one vector stands in for the inverse.

Source: code of Jia et al. 2023. Of the WoodFisher recursion it keeps two vectors instead of a matrix, which is right
only if the gradients of consecutive examples are parallel; every table that quotes IU was made with it.
Hyper-parameters: SAMPLES 64 single retain examples (about 1,000 in the release, in the data's order; here drawn anew
each run), STEP 0.2. Batch normalisation is frozen.
Cost: 1 pass over both sets and SAMPLES passes of one example.
Measured: not yet; `lacuna bench baselines/iu_released.py` does it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SAMPLES, STEP = 64, 0.2


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    net.eval()
    retain, kept = mean_gradient(net, retain_loader)
    forget, gone = mean_gradient(net, forget_loader)
    direction = (forget - retain) * (gone / (gone + kept))
    move(net, STEP * recur(direction, draw_gradients(net, retain_loader, SAMPLES), SAMPLES))
    return net


def recur(vector: Tensor, gradients: Iterable[Tensor], count: int) -> Tensor:
    found, other = vector.clone(), None
    for gradient in gradients:
        if other is None:
            other = gradient
            continue
        overlap = torch.dot(other, gradient)
        found = found - torch.dot(found, gradient) / (count + overlap) * other
        other = other - overlap / (count + overlap) * other
    return found


def mean_gradient(net: nn.Module, loader: Iterable[Any]) -> tuple[Tensor, int]:
    """Return the gradient of the mean loss over all examples, and how many there are."""
    device, examples = next(net.parameters()).device, 0
    net.zero_grad()
    for batch in loader:
        x, y = unpack(batch, device)
        F.cross_entropy(net(x), y, reduction="sum").backward()
        examples += len(y)
    found = flatten(parameter.grad for parameter in net.parameters()) / max(examples, 1)
    net.zero_grad()
    return found, examples


def draw_gradients(net: nn.Module, loader: Iterable[Any], count: int) -> Iterator[Tensor]:
    """Yield the gradients of single examples; the loader shuffles, so the first are drawn at random."""
    device, parameters = next(net.parameters()).device, list(net.parameters())
    left = count
    for batch in loader:
        x, y = unpack(batch, device)
        for index in range(min(left, len(y))):
            loss = F.cross_entropy(net(x[index : index + 1]), y[index : index + 1])
            yield flatten(torch.autograd.grad(loss, parameters))
        left -= min(left, len(y))
        if not left:
            return


def flatten(tensors: Iterable[Tensor | None]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors if tensor is not None])


@torch.no_grad()
def move(net: nn.Module, step: Tensor) -> None:
    nn.utils.vector_to_parameters(nn.utils.parameters_to_vector(net.parameters()) + step, net.parameters())


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
