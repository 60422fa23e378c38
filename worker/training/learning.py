"""How well a problem's models do: of its pools where they are trained, else of one of each kind if that is quick."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from core.domain.learning import Learning
from core.domain.pools import PoolKind
from core.storage import BlobStore
from worker.problems import LoadedProblem
from worker.replicas.outputs import ModelOutputs
from worker.training.chunks import pool_chunks, train_chunk
from worker.training.pools import load_chunk, pool_sizes

MOST_SECONDS = 20.0  # of one model that is trained to be looked at


def measure_learning(
    problem: LoadedProblem, store: BlobStore, *, seconds: Mapping[PoolKind, float], device: str
) -> Learning | None:
    """None if nothing is trained and a model would take too long. seconds: of one model of each kind."""
    original, retrained = (
        _find_outputs(problem, kind, store, seconds=seconds.get(kind, MOST_SECONDS), device=device)
        for kind in (PoolKind.ORIGINAL, PoolKind.RETRAINED)
    )
    if original is None or retrained is None:
        return None
    return Learning(
        original_retain=float(original.retain_accuracy.mean()),
        original_test=float(original.test_accuracy.mean()),
        retrained_retain=float(retrained.retain_accuracy.mean()),
        retrained_test=float(retrained.test_accuracy.mean()),
        guessing=_guess(problem),
        models=len(retrained),
    )


def _find_outputs(
    problem: LoadedProblem, kind: PoolKind, store: BlobStore, *, seconds: float, device: str
) -> ModelOutputs | None:
    chunk = pool_chunks(problem, kind, pool_sizes(problem.spec)[kind])[0]
    finished = load_chunk(chunk, store)
    if finished is not None:
        return finished.outputs
    if seconds >= MOST_SECONDS:
        return None
    return train_chunk(problem, replace(chunk, seeds=chunk.seeds[:1]), device=device).outputs


def _guess(problem: LoadedProblem) -> float:
    """Of numbers, the mean answers none of the variance."""
    y = problem.splits.test.y
    return float(np.bincount(y).max() / len(y)) if problem.kind.targets.has_classes and len(y) else 0.0
