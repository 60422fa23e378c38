"""What determines one member of a pool: its seed, from which initialisation and batch order follow."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save
from torch import Tensor, nn

from core.domain.pools import PoolKind
from core.problem_parts import RecipePart, Schedule
from worker.problems import LoadedProblem, load_network
from worker.replicas.outputs import ModelOutputs

TRAINING_VERSION = 4  # raise it when the same seeds make other models, or when more is kept of a model


@dataclass(frozen=True, slots=True)
class TrainedMembers:
    """Members in the order of their seeds."""

    outputs: ModelOutputs
    weights: tuple[bytes, ...]  # safetensors, one for each member


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What the members of one pool are trained on, on the device where that happens."""

    x: Tensor
    y: Tensor


def member_seed(pool_seed: int, kind: PoolKind, index: int) -> int:
    """Derive a seed of 63 bits; no kind shares seeds with another."""
    digest = hashlib.sha256(f"pool {pool_seed} {kind} {index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def training_data(problem: LoadedProblem, kind: PoolKind, device: torch.device) -> TrainingData:
    """Return retain and forget for originals, retain alone for the models that never saw the rest."""
    parts = [problem.splits.retain]
    if kind is PoolKind.ORIGINAL:
        parts.append(problem.splits.forget)
    x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y"))
    if kind is PoolKind.ORIGINAL and len(problem.spec.requests) > 1:  # all requests are made of the same originals
        order = np.argsort(np.concatenate([part.ids for part in parts]))
        x, y = x[order], y[order]
    return TrainingData(x=torch.from_numpy(x).to(device), y=torch.from_numpy(y).to(device))


def initial_network(problem: LoadedProblem, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return load_network(problem)


def batch_orders(seed: int, *, examples: int, epochs: int) -> npt.NDArray[np.int64]:
    """Return the (epochs, examples) order in which a member meets its examples."""
    rng = np.random.default_rng([seed, 1])
    return np.stack([rng.permutation(examples) for _ in range(epochs)])


def batch_slices(examples: int, batch_size: int) -> list[slice]:
    """Cut an epoch into batches; a last batch of one example is left out, as batch normalisation cannot take it."""
    slices = [slice(start, min(start + batch_size, examples)) for start in range(0, examples, batch_size)]
    return [part for part in slices if part.stop - part.start > 1 or batch_size == 1]


def learning_rates(recipe: RecipePart, *, steps: int) -> Iterator[float]:
    """Yield the learning rate of every step."""
    warmup = max(round(recipe.warmup_fraction * steps), 1)
    an_epoch = steps / recipe.epochs
    rising = max(recipe.warmup_epochs * an_epoch, 1)
    for step in range(steps):
        rate = recipe.learning_rate * min((step + 1) / rising, 1)
        if recipe.schedule == Schedule.ONE_CYCLE:
            yield recipe.learning_rate * min((step + 1) / warmup, (steps - step) / max(steps - warmup, 1))
        elif recipe.schedule == Schedule.COSINE:
            yield rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        else:  # a constant one has no milestones
            yield rate * recipe.decay ** sum(step >= epoch * an_epoch for epoch in recipe.milestones or ())


def sgd_step(
    parameters: list[Tensor],
    gradients: list[Tensor],
    momenta: list[Tensor],
    *,
    recipe: RecipePart,
    learning_rate: float,
) -> None:
    """Take torch.optim.SGD's step in place, without its first-use cost of a second."""
    if recipe.weight_decay:
        gradients = list(torch._foreach_add(gradients, parameters, alpha=recipe.weight_decay))
    torch._foreach_mul_(momenta, recipe.momentum)
    torch._foreach_add_(momenta, gradients)
    torch._foreach_add_(parameters, momenta, alpha=-learning_rate)


def save_weights(state: dict[str, Tensor]) -> bytes:
    return bytes(save({name: value.detach().cpu().contiguous() for name, value in state.items()}))
