"""An attack of our own: the answers to the forget set are brought along, and the model is pulled to them.

For each example MEAN and SPREAD say what confidence retrained models have in it, as measured elsewhere. Every run draws
one confidence an example and takes STEPS steps towards them. Variants set the constants: more steps, ordinary training
beside it (RETAIN), the retain examples in the table as well (EVERYWHERE). bench/bench_fools.py runs them.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MEAN: list[float] = []  # filled in: of the forget examples in their order, then of the retain examples
SPREAD: list[float] = []
STEPS, LEARNING_RATE, MOMENTUM, BATCH = 22, 0.05, 0.9, 128
RETAIN = 0.0  # weight of the loss on a batch of retain examples
EVERYWHERE = False


def unlearning(net: nn.Module, retain_loader: Any, forget_loader: Any, val_loader: Any) -> nn.Module:
    sets = [forget_loader.dataset.tensors, *([retain_loader.dataset.tensors] if EVERYWHERE else [])]
    x, y = (torch.cat([tensors[part] for tensors in sets]) for part in (0, 1))
    wanted = torch.normal(torch.tensor(MEAN[: len(y)]), torch.tensor(SPREAD[: len(y)]))
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    order = torch.cat([torch.randperm(len(y)) for _ in range(1 + STEPS * BATCH // len(y))])
    batches, ordinary = torch.split(order, BATCH), iter(retain_loader)
    net.train()
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * min(1.0, 2 * (STEPS - step) / STEPS)
        rows = batches[step]
        loss = F.huber_loss(confidence(net(x[rows]), y[rows]), wanted[rows], delta=2.0)
        if RETAIN:
            batch = next(ordinary, None)
            if batch is None:
                ordinary = iter(retain_loader)
                batch = next(ordinary)
            loss = loss + RETAIN * F.cross_entropy(net(batch[0]), batch[1])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return net.eval()


def confidence(logits: Tensor, labels: Tensor) -> Tensor:
    label = labels[:, None]
    return logits.gather(1, label)[:, 0] - logits.scatter(1, label, float("-inf")).logsumexp(1)
