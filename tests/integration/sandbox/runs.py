"""One box per backend runs every case of tests/fixtures/sandbox_cases and tests/exploits/box; tests read the results.

So each hostile case also shows that the ones before it left the box in order.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from core.problem_parts import BatchFormat
from sandbox.problems.digits.model import build
from worker.runner.base import (
    Limits,
    NetworkRef,
    ReplicaOrder,
    ReplicaResult,
    RunRequest,
    RunResult,
    Sandbox,
)
from worker.runner.bubblewrap import BubblewrapSandbox
from worker.runner.docker import DockerSandbox
from worker.runner.process import ProcessSandbox

TESTS = Path(__file__).resolve().parents[2]
CASES = (TESTS / "fixtures" / "sandbox_cases", TESTS / "exploits" / "box")
DOCKER = pytest.param("docker", marks=pytest.mark.integration)
BACKENDS = ["process", "bubblewrap", DOCKER]
WALLED = ["bubblewrap", "bubblewrap-rootless", DOCKER]  # a plain child process isolates nothing
SEEDS_PER_CASE = 1000
UNTIDY = {"leaves_things", "symlinks", "deep_folders", "fork_bomb", "kills", "empty_files", "memory_hog", "fills_disk"}
# What would hurt the machine or the test run itself without a sandbox around it.
NEEDS_WALLS = {
    "leaves_things",
    "looks",
    "closes_everything",
    "empty_files",
    "fills_disk",
    "fork_bomb",
    "kills",
    "network",
    "patient_fork_bomb",
    "spies",
    "symlinks",
    "system_calls",
    "threads",
    "writable_places",
}
SPLITS = {"retain": 192, "forget": 64, "validation": 70}
CLASSES, FEATURES = 10, 64
LIMITS = Limits(
    wall_seconds=4.0,
    memory_bytes=1 << 30,
    output_bytes=1 << 20,
    log_bytes=16 << 10,
    print_bytes=1 << 20,
    scratch_bytes=32 << 20,
    processes=32,
)
DISPATCHER = """
import importlib

NAMES = {names}


def unlearning(net, retain_loader, forget_loader, val_loader, seed):
    case = importlib.import_module("case_" + NAMES[seed // {step}])
    return case.unlearning(net, retain_loader, forget_loader, val_loader)
"""


def read_cases() -> Mapping[str, bytes]:
    found = {path.stem: path.read_bytes() for folder in CASES for path in folder.glob("*.py")}
    return dict(sorted(found.items()))


def make_sandbox(name: str) -> Sandbox:
    known: dict[str, Sandbox] = {
        "process": ProcessSandbox(allow=True),
        "bubblewrap": BubblewrapSandbox(),
        "bubblewrap-rootless": BubblewrapSandbox(as_root=False),
        "docker": DockerSandbox(),
    }
    sandbox = known[name]
    obstacle = sandbox.find_obstacle()
    if obstacle is not None:
        pytest.skip(obstacle)
    return sandbox


def make_network() -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build(CLASSES, (FEATURES,))


def make_request(
    files: Mapping[str, bytes],
    orders: tuple[ReplicaOrder, ...],
    *,
    limits: Limits = LIMITS,
    batch_format: BatchFormat = BatchFormat.PAIR,
    label: str = "lacuna-local-test",
) -> RunRequest:
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, size in SPLITS.items():
        tensors[f"{name}_x"] = torch.randn(size, FEATURES, generator=generator)
        tensors[f"{name}_y"] = torch.randint(0, CLASSES, (size,), generator=generator)
    return RunRequest(
        label=label,
        network=NetworkRef("digits", {}, CLASSES, (FEATURES,)),
        batch_format=batch_format,
        batch_size=64,
        files=files,
        splits=save(tensors),
        originals=(save(make_network().state_dict()),),
        orders=orders,
        limits=limits,
        budget_seconds=1.5,
    )


@dataclass(frozen=True, slots=True)
class Reports:
    """What became of each case, and what a replica saw that looked around right after it."""

    backend: str
    names: tuple[str, ...]
    by_seed: Mapping[int, ReplicaResult]
    order: tuple[ReplicaResult, ...]
    result: RunResult

    def __call__(self, name: str, repeat: int = 0) -> ReplicaResult:
        if self.backend == "process" and name in NEEDS_WALLS:
            pytest.skip("a plain child process shares this machine's files, users, network and limits")
        return self.by_seed[make_seed(self.names, name, repeat)]

    def look_after(self, name: str) -> Mapping[str, Any]:
        self(name)
        seen: Mapping[str, Any] = json.loads(self("looks", 1 + self.names.index(name)).log)
        return seen


def make_seed(names: tuple[str, ...], name: str, repeat: int = 0) -> int:
    return names.index(name) * SEEDS_PER_CASE + repeat


@cache
def run_cases(backend: str) -> Reports:
    cases = read_cases()
    names = tuple(cases)
    chosen = [name for name in names if name not in ("honest", "looks", "options", "memory_hog_in_children")]
    seeds = [make_seed(names, "honest", repeat) for repeat in (0, 0, 1)]
    for name in chosen:
        if backend == "process" and name in NEEDS_WALLS:
            continue
        seeds.append(make_seed(names, name))
        if name in UNTIDY and backend != "process":
            seeds.append(make_seed(names, "looks", 1 + names.index(name)))
    files = {f"case_{name}.py": code for name, code in cases.items()}
    files["submission.py"] = DISPATCHER.format(names=list(names), step=SEEDS_PER_CASE).encode()
    orders = tuple(ReplicaOrder(index, seed) for index, seed in enumerate([*seeds, make_seed(names, "honest", 2)]))
    taken: list[ReplicaResult] = []

    def take(result: ReplicaResult) -> bool:
        taken.append(result)
        return True

    result = make_sandbox(backend).run(make_request(files, orders), on_replica=take)
    return Reports(backend, names, {replica.seed: replica for replica in taken}, tuple(taken), result)


def run_one(backend: str, code: bytes | str, *, seeds: tuple[int, ...] = (7,), **changes: Any) -> list[ReplicaResult]:
    """Run one submission in a box of its own."""
    taken: list[ReplicaResult] = []
    orders = tuple(ReplicaOrder(index, seed) for index, seed in enumerate(seeds))
    content = code.encode() if isinstance(code, str) else code
    files = changes.pop("files", {"submission.py": content})
    result = make_sandbox(backend).run(
        make_request(files, orders, **changes), on_replica=lambda replica: taken.append(replica) is None
    )
    assert result.sandbox_error == ""
    return taken
