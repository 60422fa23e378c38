"""Members trained one after another, channels-last: what pays for convolutions on a CPU."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.domain.pools import PoolKind
from worker.problems import LoadedProblem
from worker.replicas.measurement import measure_network
from worker.replicas.outputs import concat_outputs
from worker.training.members import (
    TrainedMembers,
    TrainingData,
    batch_orders,
    batch_slices,
    initial_network,
    learning_rates,
    save_weights,
    training_data,
)
from worker.training.optimizers import make_optimizer, make_steps


def train_members(
    problem: LoadedProblem, kind: PoolKind, seeds: Sequence[int], *, device: torch.device
) -> TrainedMembers:
    networks = [train_fast(problem, kind, seed, device=device) for seed in seeds]
    return TrainedMembers(
        outputs=concat_outputs([measure_network(network, problem, device=device) for network in networks]),
        weights=tuple(save_weights(network.state_dict()) for network in networks),
    )


def train_one(problem: LoadedProblem, kind: PoolKind, seed: int, *, device: torch.device) -> nn.Module:
    """Train a single member plainly, with torch's own optimizer: the reference for every strategy."""
    recipe, targets = problem.spec.recipe, problem.kind.targets
    data = training_data(problem, kind, device)
    network = initial_network(problem, seed).to(device).train()
    optimizer = make_optimizer(network, recipe)
    slices = batch_slices(len(data.y), recipe.batch_size)
    rates = learning_rates(recipe, steps=len(slices) * recipe.epochs)
    for order in torch.from_numpy(batch_orders(seed, examples=len(data.y), epochs=recipe.epochs)).to(device):
        for part in slices:
            optimizer.param_groups[0]["lr"] = next(rates)
            optimizer.zero_grad()
            torch.autograd.backward(targets.loss(network(data.x[order[part]]), data.y[order[part]]))
            optimizer.step()
    return network.eval()


def train_fast(problem: LoadedProblem, kind: PoolKind, seed: int, *, device: torch.device) -> nn.Module:
    """Train the same member with fused steps, and images channels-last."""
    recipe, targets = problem.spec.recipe, problem.kind.targets
    data = training_data(problem, kind, device)
    network = initial_network(problem, seed).to(device).train()
    if data.x.ndim == 4:
        data = TrainingData(x=data.x.contiguous(memory_format=torch.channels_last), y=data.y)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parameters: list[Tensor] = list(network.parameters())
    optimizer = make_steps(parameters, recipe)
    slices = batch_slices(len(data.y), recipe.batch_size)
    rates = learning_rates(recipe, steps=len(slices) * recipe.epochs)
    for order in torch.from_numpy(batch_orders(seed, examples=len(data.y), epochs=recipe.epochs)).to(device):
        for part in slices:
            loss = targets.loss(network(data.x[order[part]]), data.y[order[part]])
            gradients = list(torch.autograd.grad(loss, parameters))
            with torch.no_grad():
                optimizer.step(gradients, learning_rate=next(rates))
    return network
