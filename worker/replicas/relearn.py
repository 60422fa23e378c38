"""How fast a network learns the forget set again: the platform's own fine-tuning, on weights it holds itself.

Once on the forget set, and once on retain examples alone, which brings back what was only covered up. Every step takes
the same examples at once: some of a set, evenly spaced, with the recipe's peak learning rate, no momentum and no weight
decay, in evaluation mode. So a curve depends on the weights alone. A curve takes about as many examples as one
retraining does, and where a retraining has fewer steps than two curves, fewer models have them: what trains in seconds
is not measured for minutes.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from evaluator.inference import load_weights
from worker.problems import LoadedProblem, Split, load_network
from worker.replicas.outputs import RELEARN_STEPS, ModelOutputs

MOST_EXAMPLES = 512  # of a set
LEAST_EXAMPLES = 8
MOST_MEMBERS = 8  # of each pool; more would say little more
LEAST_MEMBERS = 2
MEASURED_REPLICAS = 4  # the first of a submission, which the canary holds
LARGEST_LOSS = 1000.0  # in place of what diverged
Losses = npt.NDArray[np.float32]
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Curves:
    """Loss on the forget set before the first step and after each, (RELEARN_STEPS + 1,) nats, as `ModelOutputs` has."""

    relearn_loss: Losses  # of training on the forget set
    relearn_retain_loss: Losses  # of training on retain examples


def measure_relearning(network: nn.Module, problem: LoadedProblem, *, device: torch.device | str = "cpu") -> Curves:
    """Both curves of one network, which is left as it is."""
    splits, count = problem.splits, count_examples(problem)
    forget, retain = (_take_batch(part, count, device) for part in (splits.forget, splits.retain))
    pupils = (copy.deepcopy(network).to(device) for _ in range(2))
    return Curves(
        *(_follow(pupil, batch, forget, problem) for pupil, batch in zip(pupils, (forget, retain), strict=True))
    )


def count_examples(problem: LoadedProblem) -> int:
    """How many of a set every step takes: those of one retraining, shared among the steps of a curve."""
    share = problem.spec.recipe.epochs * len(problem.splits.retain) // RELEARN_STEPS
    return min(max(share, LEAST_EXAMPLES), MOST_EXAMPLES)


def count_members(problem: LoadedProblem) -> int:
    """How many members of a pool, the first of it, have curves."""
    recipe = problem.spec.recipe
    steps = recipe.epochs * math.ceil(len(problem.splits.retain) / recipe.batch_size)
    return min(max(MOST_MEMBERS * steps // (2 * RELEARN_STEPS), LEAST_MEMBERS), MOST_MEMBERS)


def add_relearning(
    outputs: ModelOutputs, weights: Sequence[bytes], problem: LoadedProblem, *, device: torch.device | str = "cpu"
) -> ModelOutputs:
    """Measure the models whose weights are given, the first of `outputs`; the others stay unmeasured."""
    if not weights:
        return outputs
    network = load_network(problem).to(device)
    kept = {field.name: getattr(outputs, field.name).copy() for field in fields(Curves)}
    for row, blob in enumerate(weights):
        load_weights(network, blob)
        curves = measure_relearning(network, problem, device=device)
        for name, losses in kept.items():
            losses[row] = getattr(curves, name)
    return replace(outputs, **kept)


def _follow(pupil: nn.Module, batch: Batch, forget: Batch, problem: LoadedProblem) -> Losses:
    """Train on one batch; the losses are those on the forget set."""
    measure, rate = problem.kind.targets.loss, problem.spec.recipe.learning_rate
    parameters = [parameter.requires_grad_() for parameter in pupil.eval().parameters()]
    losses = []
    for _ in range(RELEARN_STEPS):
        loss = measure(pupil(batch[0]), batch[1])
        losses.append(loss.item() if batch is forget else _measure(pupil, forget, measure))
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    parameter.sub_(gradient, alpha=rate)
    losses.append(_measure(pupil, forget, measure))
    bounded = np.nan_to_num(losses, nan=LARGEST_LOSS, posinf=LARGEST_LOSS)
    return np.clip(bounded, 0.0, LARGEST_LOSS).astype(np.float32)


def _measure(network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> float:
    with torch.inference_mode():
        return loss(network(batch[0]), batch[1]).item()


def _take_batch(split: Split, count: int, device: torch.device | str) -> Batch:
    rows = np.unique(np.linspace(0, len(split) - 1, min(len(split), count)).round().astype(np.int64))
    return torch.from_numpy(split.x[rows]).to(device), torch.from_numpy(split.y[rows]).to(device)
