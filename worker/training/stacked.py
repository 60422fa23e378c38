"""Many members as one computation: every parameter carries a leading axis of members.

Pays where a step costs more to dispatch than to compute: dense networks on a CPU, small networks on a GPU.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from core.domain.pools import PoolKind
from evaluator.errors import NotFiniteWeights
from sandbox.kinds.parts import Targets
from worker.problems import LoadedProblem, Split
from worker.replicas.measurement import collect_outputs
from worker.replicas.outputs import ModelOutputs
from worker.training.dense import DenseStack, dense_layers
from worker.training.members import (
    TrainedMembers,
    batch_orders,
    batch_slices,
    initial_network,
    learning_rates,
    save_weights,
    training_data,
)
from worker.training.optimizers import make_steps

EVALUATION_BATCH = 256
Tensors = dict[str, Tensor]
GradientFunction = Callable[[Tensors, Tensors, Tensor, Tensor], tuple[Tensors, Tensors]]


def train_members(
    problem: LoadedProblem, kind: PoolKind, seeds: Sequence[int], *, device: torch.device
) -> TrainedMembers:
    skeleton, parameters, buffers = train_stack(problem, kind, seeds, device=device)
    return TrainedMembers(
        outputs=_measure(skeleton, parameters, buffers, problem),
        weights=_unstack_weights(parameters, buffers, members=len(seeds)),
    )


def train_stack(
    problem: LoadedProblem, kind: PoolKind, seeds: Sequence[int], *, device: torch.device
) -> tuple[nn.Module, Tensors, Tensors]:
    """Return the network's structure, and parameters and buffers with a leading axis of members."""
    recipe = problem.spec.recipe
    data = training_data(problem, kind, device)
    skeleton, parameters, buffers = _stack_networks(problem, seeds, device)
    compute_gradients = gradient_function(skeleton, problem.kind.targets)
    orders = _stack_orders(seeds, examples=len(data.y), epochs=recipe.epochs).to(device)
    slices = batch_slices(len(data.y), recipe.batch_size)
    rates = learning_rates(recipe, steps=len(slices) * recipe.epochs)
    names = list(parameters)
    optimizer = make_steps([parameters[name] for name in names], recipe)
    for epoch in range(recipe.epochs):
        for part in slices:
            rows = orders[:, epoch, part]
            gradients, buffers = compute_gradients(parameters, buffers, data.x[rows], data.y[rows])
            optimizer.step([gradients[name] for name in names], learning_rate=next(rates))
    return skeleton, parameters, buffers


def gradient_function(skeleton: nn.Module, targets: Targets) -> GradientFunction:
    """Return a function giving each member's gradients and new buffers on its own batch."""
    layers = dense_layers(skeleton)
    if layers is not None:
        return DenseStack(layers, targets).compute_gradients
    return general_gradients(skeleton, targets)


def general_gradients(skeleton: nn.Module, targets: Targets) -> GradientFunction:
    """Differentiate any network with torch.func; buffers (running statistics) are passed through."""

    def loss(parameters: Tensors, buffers: Tensors, x: Tensor, y: Tensor) -> tuple[Tensor, Tensors]:
        renewed = {name: value.clone() for name, value in buffers.items()}  # a module may write to them in place
        outputs = functional_call(skeleton, (parameters, renewed), (x,))
        return targets.loss(outputs, y), renewed

    skeleton.train()
    batched: GradientFunction = vmap(grad(loss, has_aux=True), randomness="different")
    return batched


def _stack_networks(
    problem: LoadedProblem, seeds: Sequence[int], device: torch.device
) -> tuple[nn.Module, Tensors, Tensors]:
    networks = [initial_network(problem, seed) for seed in seeds]
    parameters = _stack([dict(network.named_parameters()) for network in networks], device)
    buffers = _stack([dict(network.named_buffers()) for network in networks], device)
    return networks[0].to(device), parameters, buffers


def _stack(states: Sequence[Mapping[str, Tensor]], device: torch.device) -> Tensors:
    return {name: torch.stack([state[name].detach() for state in states]).to(device) for name in states[0]}


def _stack_orders(seeds: Sequence[int], *, examples: int, epochs: int) -> Tensor:
    return torch.from_numpy(np.stack([batch_orders(seed, examples=examples, epochs=epochs) for seed in seeds]))


def _unstack_weights(parameters: Tensors, buffers: Tensors, *, members: int) -> tuple[bytes, ...]:
    state = {name: value.cpu() for name, value in (parameters | buffers).items()}
    return tuple(save_weights({name: value[member] for name, value in state.items()}) for member in range(members))


def _measure(skeleton: nn.Module, parameters: Tensors, buffers: Tensors, problem: LoadedProblem) -> ModelOutputs:
    skeleton.eval()
    members = len(next(iter(parameters.values())))

    def forward(parameters: Tensors, buffers: Tensors, x: Tensor) -> Tensor:
        logits: Tensor = functional_call(skeleton, (parameters, buffers), (x,))
        return logits

    batched = vmap(forward, in_dims=(0, 0, None))

    def logits(split: Split) -> npt.NDArray[np.float32]:
        device = next(iter(parameters.values())).device
        with torch.inference_mode():
            parts = torch.split(torch.from_numpy(split.x), EVALUATION_BATCH)
            rows = [batched(parameters, buffers, part.to(device)).float().cpu() for part in parts]
        found: npt.NDArray[np.float32] = torch.cat(rows, dim=1).numpy()
        if not np.isfinite(found).all():
            raise NotFiniteWeights("a model's output is not finite")
        return found

    return collect_outputs(logits, problem, weight_change=np.zeros(members))
