"""A pool is trained in chunks: each a task of seconds to minutes that can run in any process on any machine."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from core.domain.errors import PlatformFault
from core.domain.pools import PoolKind
from core.problem_parts import TrainingStrategy
from evaluator.errors import BadWeights
from worker.problems import LoadedProblem, check_network, load_network
from worker.replicas.relearn import add_relearning, count_members
from worker.training import one_by_one, stacked
from worker.training.dense import dense_layers
from worker.training.members import TRAINING_VERSION, TrainedMembers, member_seed

DENSE_CHUNK = 32  # the working set of more no longer stays in a core's cache
SMALL_CHUNK = 4
SMALL_PARAMETERS = 1_000_000  # networks up to this are small: stacked on a GPU, several to a chunk


@dataclass(frozen=True, slots=True)
class Chunk:
    """Members `start` … `start + len(seeds) - 1` of a pool; `name` is where the finished chunk is kept."""

    name: str
    kind: PoolKind
    start: int
    seeds: tuple[int, ...]


def pool_chunks(problem: LoadedProblem, kind: PoolKind, size: int) -> list[Chunk]:
    """Divide a pool into chunks; a larger pool of the same problem begins with the same full chunks."""
    step = _chunk_size(problem)
    chunks = []
    for start in range(0, size, step):
        stop = min(start + step, size)
        seeds = tuple(member_seed(problem.spec.pools.seed, kind, index) for index in range(start, stop))
        name = f"pools/{problem.digest}/v{TRAINING_VERSION}/{kind}/{start}-{stop - 1}"
        chunks.append(Chunk(name=name, kind=kind, start=start, seeds=seeds))
    return chunks


def train_chunk(problem: LoadedProblem, chunk: Chunk, *, device: str = "cpu") -> TrainedMembers:
    """Train the members of a chunk; the device and the strategy change the time, not the models."""
    check_network(problem)
    strategy = choose_strategy(problem, device=device)
    train = stacked.train_members if strategy is TrainingStrategy.STACKED else one_by_one.train_members
    try:
        trained = train(problem, chunk.kind, chunk.seeds, device=torch.device(device))
    except BadWeights as error:
        raise PlatformFault(f"problem {problem.spec.slug}: the recipe does not train: {error}") from None
    if not np.isfinite(trained.outputs.forget_logits).all():
        raise PlatformFault(f"problem {problem.spec.slug}: the recipe does not train: outputs are not finite")
    first = max(count_members(problem) - chunk.start, 0)
    outputs = add_relearning(trained.outputs, trained.weights[:first], problem, device=device)
    return replace(trained, outputs=outputs)


def choose_strategy(problem: LoadedProblem, *, device: str) -> TrainingStrategy:
    """Follow the problem file, or the measurements: stack what is cheap to compute and dear to dispatch."""
    asked = problem.spec.pools.strategy
    if asked is not TrainingStrategy.AUTO:
        return asked
    network = _plain_network(problem)
    stackable = dense_layers(network) is not None if torch.device(device).type == "cpu" else _is_small(network)
    return TrainingStrategy.STACKED if stackable else TrainingStrategy.ONE_BY_ONE


def _chunk_size(problem: LoadedProblem) -> int:
    network = _plain_network(problem)
    if dense_layers(network) is not None:
        return DENSE_CHUNK
    return SMALL_CHUNK if _is_small(network) else 1


def _is_small(network: nn.Module) -> bool:
    return sum(parameter.numel() for parameter in network.parameters()) <= SMALL_PARAMETERS


def _plain_network(problem: LoadedProblem) -> nn.Module:
    with torch.device("meta"):  # only its structure is looked at
        return load_network(problem)
