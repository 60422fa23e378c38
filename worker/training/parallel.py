"""Chunks spread over local processes of one thread each; the fleet spreads them over Celery tasks instead."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from core.domain.errors import PlatformFault
from worker.problems import LoadedProblem
from worker.training.chunks import Chunk, train_chunk
from worker.training.members import TrainedMembers

PRELOADED = ["worker.training.chunks"]


@dataclass(slots=True)
class _Workplace:
    """What a child process was given when it started."""

    problem: LoadedProblem
    device: str


_workplaces: list[_Workplace] = []


def train_chunks(
    problem: LoadedProblem, chunks: Sequence[Chunk], *, workers: int, device: str = "cpu"
) -> Iterator[tuple[Chunk, TrainedMembers]]:
    """Yield every chunk as it is finished, in any order."""
    # A process of a Celery pool is daemonic and may have no children of its own: it trains by itself.
    count = 1 if multiprocessing.current_process().daemon else min(workers, len(chunks))
    if count <= 1:
        yield from _train_here(problem, chunks, device)
    else:
        yield from _train_in_processes(problem, chunks, count, device)


def default_workers() -> int:
    return max(len(os.sched_getaffinity(0)), 1)


def _train_here(problem: LoadedProblem, chunks: Sequence[Chunk], device: str) -> Iterator[tuple[Chunk, TrainedMembers]]:
    for chunk in chunks:
        with _one_thread():
            trained = train_chunk(problem, chunk, device=device)
        yield chunk, trained


def _train_in_processes(
    problem: LoadedProblem, chunks: Sequence[Chunk], count: int, device: str
) -> Iterator[tuple[Chunk, TrainedMembers]]:
    # A fork server imports torch once, and unlike a fork of this process it has no threads to lose.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(problem, device))
    try:
        futures: dict[Future[TrainedMembers], Chunk] = {executor.submit(_train, chunk): chunk for chunk in chunks}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool:
        raise PlatformFault("a training process died; there may be too little memory for all of them") from None
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _start(problem: LoadedProblem, device: str) -> None:
    torch.set_num_threads(1)
    _workplaces.append(_Workplace(problem, device))


def _train(chunk: Chunk) -> TrainedMembers:
    place = _workplaces[-1]
    return train_chunk(place.problem, chunk, device=place.device)
