"""What a box costs a replica that does nothing, by backend: `python -m bench.bench_boxes`.

From one result to the next: the keeper, the fork, the import of the file, the weights on their way, the wipe. The
backends alternate, round after round, so that load meets all alike; the plain process is the yardstick. What it costs
to have the kernel forget is told by rounds in which it is not asked to.
"""

import statistics
import sys
import time
from collections.abc import Mapping
from itertools import pairwise

import torch
from safetensors.torch import save

from core.problem_parts import BatchFormat
from sandbox.contract import SPLIT_NAMES
from sandbox.problems.digits.model import build
from worker.runner.base import LOCAL_LABEL, Limits, NetworkRef, ReplicaOrder, ReplicaResult, RunRequest, Sandbox
from worker.runner.bubblewrap import BubblewrapSandbox
from worker.runner.cgroup import Cgroup
from worker.runner.docker import DockerSandbox
from worker.runner.process import ProcessSandbox

ROUNDS, REPLICAS = 2, 16
YARDSTICK = "process"
NOTHING = b"def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"
CLASSES, SHAPE = 10, (64,)
LIMITS = Limits(
    wall_seconds=20.0,
    memory_bytes=1 << 30,
    output_bytes=1 << 20,
    log_bytes=1 << 10,
    print_bytes=1 << 10,
    scratch_bytes=8 << 20,
    processes=32,
)


def main() -> None:
    backends: Mapping[str, Sandbox] = {
        YARDSTICK: ProcessSandbox(allow=True),
        "bubblewrap, plain user": BubblewrapSandbox(as_root=False),
        "bubblewrap, root": BubblewrapSandbox(as_root=True),
        "docker": DockerSandbox(),
    }
    able = {name: box for name, box in backends.items() if box.find_obstacle() is None}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in able}
    remembering: dict[str, list[float]] = {name: [] for name in able}
    for _ in range(ROUNDS):
        for name, box in able.items():
            found[name].append(_measure(box))
            remembering[name].append(_measure_remembering(box))
    yardstick = statistics.median(each for _, each in found[YARDSTICK])
    for name, rounds in found.items():
        start, each = (statistics.median(column) for column in zip(*rounds, strict=True))
        forgetting = each - statistics.median(remembering[name])
        sys.stdout.write(
            f"{name}: {start:.1f} s to start, {1e3 * each:.0f} ms a replica, {each / yardstick:.2f} times a plain"
            f" process's, {100 * forgetting / each:.0f} % of it to forget\n"
        )


def _measure(box: Sandbox) -> tuple[float, float]:
    """Seconds to the first result, and the median from one to the next."""
    begun, moments = time.perf_counter(), []

    def take(replica: ReplicaResult) -> bool:
        moments.append(time.perf_counter())
        return True

    result = box.run(_make_request(), on_replica=take)
    if result.sandbox_error:
        raise SystemExit(f"{box.name}: {result.sandbox_error}")
    steps = [later - earlier for earlier, later in pairwise(moments)]
    return moments[0] - begun, statistics.median(steps)


def _measure_remembering(box: Sandbox) -> float:
    reclaim = Cgroup.reclaim
    try:
        Cgroup.reclaim = lambda self: None  # type: ignore[method-assign]
        return _measure(box)[1]
    finally:
        Cgroup.reclaim = reclaim  # type: ignore[method-assign]


def _make_request() -> RunRequest:
    splits = {f"{name}_x": torch.zeros(64, *SHAPE) for name in SPLIT_NAMES}
    splits |= {f"{name}_y": torch.zeros(64, dtype=torch.int64) for name in SPLIT_NAMES}
    return RunRequest(
        label=f"{LOCAL_LABEL}bench",
        network=NetworkRef("digits", {}, CLASSES, SHAPE),
        batch_format=BatchFormat.PAIR,
        batch_size=64,
        files={"submission.py": NOTHING},
        splits=save(splits),
        originals=(save(build(CLASSES, SHAPE).state_dict()),),
        orders=tuple(ReplicaOrder(place, place) for place in range(REPLICAS)),
        limits=LIMITS,
    )


if __name__ == "__main__":
    main()
