"""SCRUB with rewinding: of all epochs, the model whose error on the forget set is that on unseen data.

Source: Kurmanji et al. 2023, "Towards unbounded machine unlearning". SCRUB (maximise the divergence from the original
on the forget set, minimise it on the retain set) keeps its weights after every epoch, the original among them. The
reference is the last model's error on the validation examples of the forget set's classes; of two equally near the
later one is returned. Where the forget error never leaves 0 it returns the original: no unlearning at all.
Hyper-parameters: 2 epochs and MAX_EPOCHS 2 (3 and 2), ALPHA 0.001, GAMMA 0.99, TEMPERATURE 4, as for CIFAR; learning
rate 0.05 for all epochs (5e-4 in the paper), momentum 0.9, weight decay 5e-4.
Cost: that of SCRUB and a forward pass over forget and validation set for each epoch.
Measured: not yet; `lacuna bench baselines/scrub_r.py` does it.
"""

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, MAX_EPOCHS, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 2, 2, 0.05, 0.9, 5e-4
ALPHA, GAMMA, TEMPERATURE = 0.001, 0.99, 4.0


def unlearning(
    net: nn.Module, retain_loader: Iterable[Any], forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    teacher = copy.deepcopy(net).eval().requires_grad_(False)
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    kept = [keep(net, forget_loader, device)]
    for epoch in range(EPOCHS):
        net.train()
        for batch in forget_loader if epoch < MAX_EPOCHS else ():
            x, _ = unpack(batch, device)
            optimizer.zero_grad()
            (-diverge(net(x), teacher(x))).backward()
            optimizer.step()
        for batch in retain_loader:
            x, y = unpack(batch, device)
            optimizer.zero_grad()
            logits = net(x)
            (GAMMA * F.cross_entropy(logits, y) + ALPHA * diverge(logits, teacher(x))).backward()
            optimizer.step()
        kept.append(keep(net, forget_loader, device))
    classes = torch.cat([unpack(batch, device)[1] for batch in forget_loader]).unique()
    net.load_state_dict(choose(kept, measure_error(net, val_loader, device, classes)))
    return net.eval()


def choose(kept: list[tuple[float, dict[str, Tensor]]], reference: float) -> dict[str, Tensor]:
    """The state whose forget error is nearest to the reference, the latest of several."""
    return min(reversed(kept), key=lambda entry: abs(entry[0] - reference))[1]


def keep(net: nn.Module, forget_loader: Iterable[Any], device: torch.device) -> tuple[float, dict[str, Tensor]]:
    state = {name: value.detach().clone() for name, value in net.state_dict().items()}
    return measure_error(net, forget_loader, device), state


@torch.no_grad()
def measure_error(net: nn.Module, loader: Iterable[Any], device: torch.device, classes: Tensor | None = None) -> float:
    net.eval()
    wrong = examples = 0
    for batch in loader:
        x, y = unpack(batch, device)
        counted = torch.isin(y, classes) if classes is not None else torch.ones_like(y, dtype=torch.bool)
        wrong += int(((net(x).argmax(1) != y) & counted).sum())
        examples += int(counted.sum())
    return wrong / max(examples, 1)


def diverge(student: Tensor, teacher: Tensor) -> Tensor:
    """T² · KL(teacher ‖ student) at the temperature T, the mean over the batch."""
    goal, own = F.log_softmax(teacher / TEMPERATURE, 1), F.log_softmax(student / TEMPERATURE, 1)
    return TEMPERATURE**2 * F.kl_div(own, goal, reduction="batchmean", log_target=True)


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
