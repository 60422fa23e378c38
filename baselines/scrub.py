"""SCRUB: the student disobeys its teacher on the forget set, then follows it on the retain set.

Source: Kurmanji et al. 2023, "Towards unbounded machine unlearning". The teacher is the original. In each of the
first MAX_EPOCHS epochs the student first maximises its divergence from the teacher on the forget set; every epoch
ends with minimising ALPHA · divergence + GAMMA · cross-entropy on the retain set. Student and teacher are equal at
first, so the first divergence has no gradient: only the second epoch's tells them apart.
Hyper-parameters: 2 epochs and MAX_EPOCHS 2 (3 and 2), ALPHA 0.001, GAMMA 0.99, TEMPERATURE 4, as for CIFAR; learning
rate 0.05 for all epochs (5e-4 in the paper), momentum 0.9, weight decay 5e-4.
Cost: 2 passes over the retain set and 2 over the forget set, a third more for the teacher.
Measured: lacuna-3 score 0.085 ± 0.049 (F forget 0.15, test 0.25, retain 0.16), 2023 score 0.011, UA 2.9, RA 97.5, TA
93.8, Avg. Gap 6.9, relative runtime 8.0 % ± 55.2; digits, 32 replicas, two cores of a shared x86-64 machine, torch
2.13.0 (CPU).
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
    net.train()
    for epoch in range(EPOCHS):
        for batch in forget_loader if epoch < MAX_EPOCHS else ():
            x, _ = unpack(batch, device)
            optimizer.zero_grad()
            (-diverge(net(x), teacher(x))).backward()
            optimizer.step()
        for batch in retain_loader:
            x, y = unpack(batch, device)
            optimizer.zero_grad()
            logits = net(x)
            loss = GAMMA * F.cross_entropy(logits, y)
            if ALPHA > 0:
                loss = loss + ALPHA * diverge(logits, teacher(x))
            loss.backward()
            optimizer.step()
    return net.eval()


def diverge(student: Tensor, teacher: Tensor) -> Tensor:
    """T² · KL(teacher ‖ student) at the temperature T, the mean over the batch."""
    goal, own = F.log_softmax(teacher / TEMPERATURE, 1), F.log_softmax(student / TEMPERATURE, 1)
    return TEMPERATURE**2 * F.kl_div(own, goal, reduction="batchmean", log_target=True)


def unpack(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
    return x.to(device), y.to(device)
