"""Fisher forgetting: noise on every weight, the more of it the less the retain set needs the weight.

Source: Golatkar et al. 2020, with the constants of the code that SCRUB released. The variance is STRENGTH · min(1 /
Fisher, 1000), averaged over the inputs of a unit, ten times as large in the last layer and in biases.
Hyper-parameters: STRENGTH 1.6e-5 (1e-9 to 1e-6 in the literature: accuracy falls off a cliff), Fisher from BATCHES 4
random batches of the retain set. Batch normalisation is frozen.
Cost: one backward pass per class and batch.
Measured: not yet; `lacuna bench baselines/fisher_forget.py` does it.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRENGTH, BATCHES = 1.6e-5, 4
MOST, MOST_OF_HEAD, HEAD_FACTOR = 1e3, 1e2, 10.0
VARIANCE_OF_GONE = 1e-4  # of the last layer's row of a class that only the forget set has


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    net.eval()
    fisher, kept = measure_fisher(net, retain_loader)
    gone = sorted({int(label) for batch in forget_loader for label in unpack(batch, torch.device("cpu"))[1]} - kept)
    classes = find_head(net)[1].shape[0]
    with torch.no_grad():
        for parameter, information in zip(net.parameters(), fisher, strict=True):
            is_head = parameter.dim() > 0 and parameter.shape[0] == classes
            variance = find_variance(information, is_head=is_head)
            mean = parameter.clone()
            if is_head and len(gone) == 1:
                mean[gone[0]], variance[gone[0]] = 0.0, VARIANCE_OF_GONE
            parameter.copy_(mean + variance.sqrt() * torch.randn_like(parameter))
    return net


def find_variance(information: Tensor, *, is_head: bool) -> Tensor:
    variance = (1 / (information + 1e-8)).clamp(max=MOST)
    if is_head:
        variance = variance.clamp(max=MOST_OF_HEAD)
    if variance.dim() > 1:
        variance = variance.mean(dim=1, keepdim=True).expand_as(variance).clone()
    return STRENGTH * variance * (HEAD_FACTOR if is_head or variance.dim() == 1 else 1.0)


def measure_fisher(net: nn.Module, loader: Iterable[Any]) -> tuple[list[Tensor], set[int]]:
    """Return the diagonal of the Fisher information, and which classes the batches had.

    A batch's gradient for a class, squared, is weighted by the batch's mean probability of the class; times the batch's
    size, as the square of a mean of independent gradients is smaller than their mean square by that factor.
    """
    device, parameters = next(net.parameters()).device, list(net.parameters())
    found, seen, batches = [torch.zeros_like(parameter) for parameter in parameters], set[int](), 0
    for batch in islice(loader, BATCHES):
        x, y = unpack(batch, device)
        logits = net(x)
        seen |= set(y.tolist())
        batches += 1
        shares = logits.detach().softmax(1).mean(0)
        for label in range(logits.shape[1]):
            loss = F.cross_entropy(logits, torch.full_like(y, label))
            gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
            for total, gradient in zip(found, gradients, strict=True):
                total += shares[label] * gradient.square() * len(y)
    return [total / max(batches, 1) for total in found], seen


def find_head(net: nn.Module) -> tuple[str, Tensor]:
    """The last matrix of the network."""
    return [(name, value) for name, value in net.named_parameters() if value.dim() == 2][-1]


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
