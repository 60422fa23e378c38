"""What refusing native code costs: installing the lock, and a training step of each network without oneDNN.

`python -m bench.bench_native_lock` prints medians over forked children that alternate, so that load meets both alike.
"""

import base64
import importlib
import os
import statistics
import struct
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from core.problem_files import find_problem
from sandbox.lock import lock
from sandbox.warmup import warm_up
from worker.runner.native import build_native_lock

ROUNDS, STEPS = 5, 6
NETWORKS = {"digits": (64,), "fashion-mnist": (1, 28, 28), "cifar10-resnet18": (3, 32, 32)}
BATCH = {"cifar10-resnet18": 8}


def main() -> None:
    warm_up({})  # what the first optimizer imports takes seconds
    encoded = base64.b64encode(build_native_lock()).decode()
    installing = [_run_apart(lambda: _time_lock(encoded)) for _ in range(ROUNDS)]
    sys.stdout.write(f"installing the lock: {1e3 * statistics.median(installing):.2f} ms a replica\n")
    for slug, shape in NETWORKS.items():
        free, locked = [], []
        for _ in range(ROUNDS):
            free.append(_run_apart(partial(_time_steps, slug, shape)))
            locked.append(_run_apart(partial(_time_steps, slug, shape, encoded)))
        ratio = statistics.median(two / one for one, two in zip(free, locked, strict=True))
        sys.stdout.write(
            f"{slug}: a step takes {1e3 * statistics.median(free):.2f} ms, locked {ratio:.2f} times that\n"
        )


def _time_lock(encoded: str) -> float:
    begun = time.perf_counter()
    lock(encoded)
    return time.perf_counter() - begun


def _time_steps(slug: str, shape: tuple[int, ...], encoded: str = "") -> float:
    """Processor seconds of one step, after one that is not counted; locked first, if there is a lock."""
    if encoded:
        lock(encoded)
    part = find_problem(slug).network
    net = importlib.import_module(f"sandbox.problems.{part.package}.model").build(10, shape, **part.options)
    size = BATCH.get(slug, 64)
    x, y = torch.randn(size, *shape), torch.randint(0, 10, (size,))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    spent = 0.0
    for step in range(STEPS + 1):
        begun = time.process_time()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        spent += time.process_time() - begun if step else 0.0
    return spent / STEPS


def _run_apart(act: Callable[[], float]) -> float:
    """In a forked child, as a lock is for ever."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, struct.pack("d", act()))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        (answer,) = struct.unpack("d", stream.read())
    os.waitpid(child, 0)
    return float(answer)


if __name__ == "__main__":
    main()
