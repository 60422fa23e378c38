"""How fast a network learns the forget set again: the platform's own fine-tuning, on weights it holds itself.

Every step takes the same examples at once: at most EXAMPLES of the forget set, evenly spaced, with the recipe's peak
learning rate, no momentum and no weight decay, in evaluation mode. So a curve depends on the weights alone.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from evaluator.inference import load_weights
from worker.problems import LoadedProblem, load_network
from worker.replicas.outputs import RELEARN_STEPS, ModelOutputs

EXAMPLES = 512
MEASURED_MEMBERS = 8  # of each pool; more would say little more
MEASURED_REPLICAS = 4  # the first of a submission, which the canary holds
LARGEST_LOSS = 1000.0  # in place of what diverged


def measure_relearning(
    network: nn.Module, problem: LoadedProblem, *, device: torch.device | str = "cpu"
) -> npt.NDArray[np.float32]:
    """Return the (RELEARN_STEPS + 1,) losses before the first step and after each; the network is left as it is."""
    pupil = copy.deepcopy(network).to(device).eval()
    forget, targets = problem.splits.forget, problem.kind.targets
    rows = np.unique(np.linspace(0, len(forget) - 1, min(len(forget), EXAMPLES)).round().astype(np.int64))
    x, y = (torch.from_numpy(part[rows]).to(device) for part in (forget.x, forget.y))
    parameters = [parameter.requires_grad_() for parameter in pupil.parameters()]
    losses = []
    for _ in range(RELEARN_STEPS):
        loss = targets.loss(pupil(x), y)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    parameter.sub_(gradient, alpha=problem.spec.recipe.learning_rate)
    with torch.inference_mode():
        losses.append(targets.loss(pupil(x), y).item())
    bounded = np.nan_to_num(losses, nan=LARGEST_LOSS, posinf=LARGEST_LOSS)
    return np.clip(bounded, 0.0, LARGEST_LOSS).astype(np.float32)


def add_relearning(
    outputs: ModelOutputs, weights: Sequence[bytes], problem: LoadedProblem, *, device: torch.device | str = "cpu"
) -> ModelOutputs:
    """Measure the models whose weights are given, the first of `outputs`; the others stay unmeasured."""
    if not weights:
        return outputs
    network = load_network(problem).to(device)
    losses = outputs.relearn_loss.copy()
    for row, blob in enumerate(weights):
        load_weights(network, blob)
        losses[row] = measure_relearning(network, problem, device=device)
    return replace(outputs, relearn_loss=losses)
