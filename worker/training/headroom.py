"""Times the ways there are to train one model of a problem, in turns, so that a busy machine slows all of them."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.backends.mkldnn

from core.domain.headroom import Headroom, Trainer
from core.domain.pools import PoolKind
from core.problem_parts import Optimizer
from sandbox.kinds.targets import Classes
from worker.problems import LoadedProblem, load_network
from worker.training.dense import dense_layers
from worker.training.members import batch_slices
from worker.training.numpy_dense import train_dense
from worker.training.one_by_one import train_fast, train_one
from worker.training.stacked import train_stack

SEED = 0
ROUNDS = 3
FEW = 2  # steps: taken off the others, so that no start and no end is in the difference
STEPS_MAX = 400
SECONDS = 0.1  # that the plain loop may take in a round

Train = Callable[[LoadedProblem], object]


def measure_headroom(problem: LoadedProblem, *, device: str) -> Headroom:
    """Milliseconds of a training step, by the plain loop and by the fastest known trainer of one model.

    Both as in a box (sandbox/lock.py): without oneDNN, unless the problem allows native code.
    """
    before = torch.backends.mkldnn.set_flags(_enabled=problem.spec.evaluation.allow_native)  # type: ignore[no-untyped-call]
    try:
        return _measure(problem, device)
    finally:
        torch.backends.mkldnn.set_flags(_enabled=before[0])  # type: ignore[no-untyped-call]


def find_trainers(problem: LoadedProblem, device: torch.device) -> dict[Trainer, Train]:
    """All train the same member of the retrained pool."""
    kind = PoolKind.RETRAINED
    found: dict[Trainer, Train] = {
        Trainer.PLAIN: lambda small: train_one(small, kind, SEED, device=device),
        Trainer.CHANNELS_LAST: lambda small: train_fast(small, kind, SEED, device=device),
    }
    with torch.device("meta"):  # only its structure is looked at
        layers = dense_layers(load_network(problem))
    if layers is not None:
        found[Trainer.STACKED] = lambda small: train_stack(small, kind, [SEED], device=device)
    is_plain = problem.kind.targets == Classes() and problem.spec.recipe.optimizer is Optimizer.SGD
    if layers is not None and device.type == "cpu" and is_plain:
        found[Trainer.NUMPY] = lambda small: train_dense(small, kind, SEED, layers)
    return found


def shorten(problem: LoadedProblem, steps: int) -> LoadedProblem:
    """A problem whose training takes so many steps, in one epoch."""
    recipe = problem.spec.recipe.model_copy(update={"epochs": 1})
    rows = np.resize(np.arange(len(problem.splits.retain)), steps * recipe.batch_size)
    splits = replace(problem.splits, retain=problem.splits.retain.take(rows))
    return replace(problem, spec=problem.spec.model_copy(update={"recipe": recipe}), splits=splits)


def _measure(problem: LoadedProblem, device: str) -> Headroom:
    trainers = find_trainers(problem, torch.device(device))
    steps = _choose_steps(problem, trainers[Trainer.PLAIN], device)
    few, many = shorten(problem, FEW), shorten(problem, FEW + steps)
    rounds = [
        {name: _time(train, many, device) - _time(train, few, device) for name, train in trainers.items()}
        for _ in range(ROUNDS)
    ]
    found = {name: max(float(np.median([times[name] for times in rounds])), 1e-9) / steps for name in trainers}
    fastest = min(found, key=lambda name: found[name])
    return Headroom(plain_ms=found[Trainer.PLAIN] * 1000, fastest_ms=found[fastest] * 1000, trainer=fastest)


def _choose_steps(problem: LoadedProblem, train: Train, device: str) -> int:
    """As many as fit the time of a round, never more than a retraining has."""
    all_steps = len(batch_slices(len(problem.splits.retain), problem.spec.recipe.batch_size))
    all_steps *= problem.spec.recipe.epochs
    _time(train, shorten(problem, FEW), device)  # the first step of a process pays for what it loads
    a_step = _time(train, shorten(problem, FEW), device) / FEW
    return int(np.clip(SECONDS / max(a_step, 1e-9), FEW, min(STEPS_MAX, all_steps)))


def _time(train: Train, problem: LoadedProblem, device: str) -> float:
    clock = time.process_time if device == "cpu" else time.perf_counter  # a busy neighbour stretches only the latter
    begun = clock()
    train(problem)
    if device != "cpu":
        torch.cuda.synchronize()
    return clock() - begun
