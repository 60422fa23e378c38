"""Bad teaching: on the forget set the student imitates an untrained network, elsewhere the original.

Source: Chundawat et al. 2023, "Can bad teaching induce forgetting?". One pass over a shuffled mix of the forget set
and a random SHARE of the retain set; the loss is KL(teacher ‖ student) with the untrained teacher on forget examples
and the original on the others. The untrained teacher is drawn anew each run.
Hyper-parameters: SHARE 0.3, 3 epochs (1 in the paper), SGD of learning rate 0.002 (Adam of 1e-4 in the paper, which
averages the loss over classes too), momentum 0.9.
Cost: 3 passes over the forget set and SHARE of the retain set, each with two teachers.
Measured: not yet; `lacuna bench baselines/bad_teacher.py` does it.
"""

import copy
from collections.abc import Iterable
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS, LEARNING_RATE, MOMENTUM, SHARE = 3, 0.002, 0.9, 0.3


def unlearning(
    net: nn.Module, retain_loader: Any, forget_loader: Iterable[Any], val_loader: Iterable[Any]
) -> nn.Module:
    device = next(net.parameters()).device
    good = copy.deepcopy(net).eval().requires_grad_(False)
    bad = untrain(copy.deepcopy(net)).eval().requires_grad_(False)
    forget = [unpack(batch, device)[0] for batch in forget_loader]
    some = islice(retain_loader, max(round(SHARE * len(retain_loader)), 1))  # the loader shuffles: a random part
    retain = [unpack(batch, device)[0] for batch in some]
    x = torch.cat([*forget, *retain])
    with torch.no_grad():
        goals = torch.cat([*(bad(part) for part in forget), *(good(part) for part in retain)]).log_softmax(1)
    size = len((forget or retain)[0])
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    net.train()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), device=device).split(size):
            optimizer.zero_grad()
            F.kl_div(net(x[rows]).log_softmax(1), goals[rows], reduction="batchmean", log_target=True).backward()
            optimizer.step()
    return net.eval()


def untrain(net: nn.Module) -> nn.Module:
    for module in net.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
    return net


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
