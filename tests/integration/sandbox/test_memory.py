"""A replica looks through its whole memory for anything of the replicas before it, and there must be nothing."""

import dataclasses
import json

import pytest

from sandbox.contract import Outcome
from tests.integration.sandbox.runs import BACKENDS, LIMITS, make_request, make_sandbox, run_one
from worker.runner.base import ReplicaOrder, ReplicaResult

FIRST_SEED = 8_713_000_000_000_000_000
REPLICAS = 4
# Marks are put together at run time: no source text and no pattern in it is a mark of any replica.
CODE = """
import ctypes
import json
import re
import sys

import numpy as np
import torch

MARK = re.compile(rb"zqMARK([LETWH])(\\d{4})|8713000000000(\\d{6})")


def make(kind, number):
    return f"zqMARK{kind}{number:04d} "


def scan():
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    found, scanned = set(), 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in maps.read().splitlines():
            area, rights, _, _, inode = line.split()[:5]
            if "r" not in rights or (inode != "0" and "w" not in rights):
                continue
            begin, end = (int(part, 16) for part in area.split("-"))
            for start in range(begin, end, 1 << 24):
                try:
                    memory.seek(start)
                    piece = memory.read(min(1 << 24, end - start) + 64)
                except (OSError, OverflowError, ValueError):
                    continue
                scanned += len(piece)
                for kind, mark, seed in MARK.findall(piece):
                    found.add((kind.decode() or "S", int(mark or seed)))
    return sorted(found), scanned


def unlearning(net, retain_loader, forget_loader, val_loader, seed):
    number = seed % 1000
    held = make("H", number)
    found, scanned = scan()
    print(json.dumps([number, found, scanned]))
    print(make("L", number) * 50)
    print(make("E", number) * 50, file=sys.stderr)
    pattern = np.frombuffer(make("W", number).encode(), np.float32)
    with torch.no_grad():
        for value in net.parameters():
            value.copy_(torch.from_numpy(np.resize(pattern, value.shape)))
    if number % 2:
        exec(compile("raise RuntimeError(text)", make("T", number), "exec"), {"text": make("E", number) * 20})
"""


@pytest.mark.parametrize("backend", [*BACKENDS, "bubblewrap-rootless"])
def test_nothing_of_earlier_replicas_is_in_the_memory_of_a_later_one(backend: str) -> None:
    taken: list[ReplicaResult] = []
    orders = tuple(ReplicaOrder(index, FIRST_SEED + index) for index in range(REPLICAS))
    request = make_request(
        {"submission.py": CODE.encode()}, orders, limits=dataclasses.replace(LIMITS, wall_seconds=60.0)
    )
    request = dataclasses.replace(request, allow_native=True)  # or it could not look so closely
    result = make_sandbox(backend).run(request, on_replica=lambda replica: taken.append(replica) is None)
    assert result.sandbox_error == ""
    assert [replica.outcome for replica in taken] == [Outcome.OK, Outcome.EXCEPTION] * (REPLICAS // 2)
    for replica in taken:
        number, found, scanned = json.loads(replica.log.splitlines()[0])
        assert scanned > 20 << 20
        assert {mark for _, mark in found} <= {number}, f"replica {number} found {found}"
        assert ["H", number] in found  # what it holds itself is found: the scan sees


TIMES = """
import json
import os
import time


def read(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()


def unlearning(net, retain_loader, forget_loader, val_loader, seed):
    first = read(os.getppid())[1]
    print(json.dumps([int(value) for value in (read(first)[8], *read(first)[13:15])]))
    while time.process_time() < 0.5 * (seed == 0):
        pass
"""


@pytest.mark.parametrize("backend", [*BACKENDS, "bubblewrap-rootless"])
def test_what_earlier_replicas_spent_is_added_up_nowhere_that_a_later_one_sees(backend: str) -> None:
    results = run_one(backend, TIMES, seeds=(0, 1), limits=dataclasses.replace(LIMITS, wall_seconds=60.0))
    first, second = (json.loads(result.log) for result in results)
    assert first == second
