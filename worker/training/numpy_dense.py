"""One multilayer perceptron trained by numpy alone: what is left of a small retraining without torch's dispatch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from core.domain.pools import PoolKind
from worker.problems import LoadedProblem
from worker.training.members import batch_orders, batch_slices, initial_network, learning_rates, training_data

Array = npt.NDArray[np.float32]


def train_dense(problem: LoadedProblem, kind: PoolKind, seed: int, layers: Sequence[str]) -> dict[str, Array]:
    """Train the member that `train_one` trains; gives its weights and biases by their names in the network."""
    recipe = problem.spec.recipe
    data = training_data(problem, kind, torch.device("cpu"))
    x, y = data.x.flatten(start_dim=1).numpy(), data.y.numpy()
    state = initial_network(problem, seed).state_dict()
    values = {name: value.numpy().copy() for name, value in state.items()}
    momenta = {name: np.zeros_like(value) for name, value in values.items()}
    slices = batch_slices(len(y), recipe.batch_size)
    rates = learning_rates(recipe, steps=len(slices) * recipe.epochs)
    for order in batch_orders(seed, examples=len(y), epochs=recipe.epochs):
        for part in slices:
            rows = order[part]
            gradients, rate = _compute_gradients(values, layers, x[rows], y[rows]), np.float32(next(rates))
            for name, gradient in gradients.items():
                momentum = momenta[name]
                momentum *= np.float32(recipe.momentum)
                momentum += gradient
                momentum += np.float32(recipe.weight_decay) * values[name]
                values[name] -= rate * momentum
    return values


def _compute_gradients(
    values: dict[str, Array], layers: Sequence[str], x: Array, y: npt.NDArray[np.int64]
) -> dict[str, Array]:
    """Of the mean cross-entropy of one batch; x: (B, D), y: (B,)."""
    entered = [x]
    for layer in layers:
        z = entered[-1] @ values[f"{layer}.weight"].T
        z += values[f"{layer}.bias"]
        entered.append(np.maximum(z, 0, out=z) if layer != layers[-1] else z)
    error = entered.pop()
    error -= error.max(axis=1, keepdims=True)
    np.exp(error, out=error)
    error /= error.sum(axis=1, keepdims=True)
    error[np.arange(len(y)), y] -= 1
    error /= np.float32(len(y))
    gradients: dict[str, Array] = {}
    for layer, before in zip(reversed(layers), reversed(entered), strict=True):
        gradients[f"{layer}.weight"], gradients[f"{layer}.bias"] = error.T @ before, error.sum(axis=0)
        if layer != layers[0]:
            error = (error @ values[f"{layer}.weight"]) * (before > 0)
    return gradients
