"""The self-check of a node: a box of its backend in which the opposite of every promise is tried.

Nothing here is believed because the code says so: the same request, box and limits as a shard's, with a hostile
submission of our own (attempts.py) in it, and a file, a process and a socket on this machine that it must not reach.
"""

import json
import math
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyseccomp
import torch
from safetensors.torch import save

from core.domain.errors import PlatformFault
from core.domain.promises import Finding, Promise, Trial
from core.domain.runtime import CpuClock
from core.problem_parts import BatchFormat
from sandbox.contract import SPLIT_NAMES, Outcome
from sandbox.problems.digits.model import build
from worker.runner import attempts
from worker.runner.base import LOCAL_LABEL, Limits, NetworkRef, ReplicaOrder, ReplicaResult, RunRequest, Sandbox
from worker.runner.guest import WRITABLE

WALL_SECONDS = (2.0, 20.0)  # of an act; what a busy machine did not end gets more the second time
BURN_SECONDS = 0.4
MEMORY_BYTES = 640 << 20
SCRATCH_BYTES = 8 << 20
PROCESSES = 32
CLASSES, SHAPE, EXAMPLES = 10, (64,), 4
LEAST_COUNTED, MOST_COMPUTED = 0.8, 1.3  # of what was burnt; of one core
MOST_HEARD = 64.0  # of 128 bits: 120 get through where nothing is forgotten, 4 at most by chance
UNMETERED = "the box has no cgroup to read"
UNTRIED = "it could not be tried"
OVERSLEEPS = len(attempts.ACTS) - 1
FAMILIES = (2, 10, 16, 17, 31, 38, 40)  # internet, netlink, packets, bluetooth, the kernel's ciphers, virtual machines
FIRST_ARGUMENTS = {"unshare": 0x10000000, "ptrace": 16}  # a namespace of users; to attach: of nobody, so harmless
CALLS = (
    "unshare ptrace process_vm_readv process_vm_writev io_uring_setup setns mount umount2 keyctl add_key userfaultfd"
    " pidfd_getfd pidfd_open vmsplice bpf perf_event_open shmget semget msgget mq_open chroot landlock_create_ruleset"
    " open_by_handle_at kcmp init_module reboot fadvise64 readahead mincore openat2 flock inotify_init1 clone3"
)
PLACES = ("/", "/etc", "/usr", "/usr/lib", "/opt", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys")


@dataclass(frozen=True, slots=True)
class _Outside:
    """What is made on this machine for the box not to reach."""

    token: str
    marker: str
    victim: subprocess.Popen[bytes]


def try_promises(sandbox: Sandbox) -> tuple[Trial, ...]:
    """Try them all; raises PlatformFault if no box would run. What a backend does not promise is not tried."""
    tried: dict[Promise, str] = {}
    if sandbox.promises:
        taken: dict[int, ReplicaResult] = {}
        acts = _choose_acts(sandbox.promises)
        for wall_seconds in WALL_SECONDS:
            killed = _run(sandbox, acts, taken, wall_seconds)
            tried = _read(taken) | ({Promise.HOST_PROCESSES: "killed a process of this machine"} if killed else {})
            # whoever else ended the process outside also spoilt what was going on: it is believed when it comes again
            acts = _choose_acts(sandbox.promises) if killed else _list_unfinished(acts, taken)
            if not acts:
                break
    return tuple(_judge(promise, tried.get(promise, ""), sandbox.promises) for promise in Promise)


def _judge(promise: Promise, found: str, promised: frozenset[Promise]) -> Trial:
    if promise not in promised:
        return Trial(promise, Finding.UNPROMISED)
    if not found:
        return Trial(promise, Finding.HELD)
    return Trial(promise, Finding.UNPROMISED if found == UNMETERED else Finding.BROKEN, found)


def _run(sandbox: Sandbox, acts: Sequence[int], taken: dict[int, ReplicaResult], wall_seconds: float) -> bool:
    """Run acts in a box and keep what came of each; whether the process outside was killed meanwhile."""
    with _make_outside() as outside:

        def take(replica: ReplicaResult) -> bool:
            taken[replica.seed] = replica
            return True

        result = sandbox.run(_make_request(outside, acts, wall_seconds), on_replica=take)
        killed = outside.victim.poll() is not None
    if result.sandbox_error:
        raise PlatformFault(f"the self-check could not run in {sandbox.name}: {result.sandbox_error}")
    return killed


def _list_unfinished(acts: Sequence[int], taken: Mapping[int, ReplicaResult]) -> list[int]:
    """What has to be done again; who looks around does so after who left something."""
    ends = {act: Outcome.TIME_LIMIT if act == OVERSLEEPS else Outcome.OK for act in acts}
    left = {act for act, end in ends.items() if taken[act].outcome not in (end, Outcome.OK)}
    return sorted(left | ({0, 1} if left & {0, 1} else set()))


def _read(taken: Mapping[int, ReplicaResult]) -> dict[Promise, str]:
    tries, looks, burns, fills, takes = (_parse(taken.get(act)) for act in range(OVERSLEEPS))
    found = {promise: _find_text({**tries, **fills, **takes}, promise) for promise in Promise}
    found[Promise.LEFTOVERS] = _find_text(looks, Promise.LEFTOVERS)
    found[Promise.USERS] = "both were the same user" if tries.get("user") == looks.get("user") else ""
    found[Promise.NAMES] = _judge_names(looks)
    found[Promise.METER], found[Promise.CORE] = _judge_burning(burns, taken.get(2))
    over = taken.get(OVERSLEEPS)
    found[Promise.TIME] = "" if over is not None and over.outcome is Outcome.TIME_LIMIT else "slept past it"
    return found


def _find_text(told: Mapping[str, Any], promise: Promise) -> str:
    return str(told.get(promise, UNTRIED))


def _judge_names(looks: Mapping[str, Any]) -> str:
    wrong = looks.get("wrong")
    if wrong is None:
        return UNTRIED
    noise = sum(-each * math.log2(each) for each in (wrong, 1 - wrong) if each)
    heard = 128 * (1 - noise) if wrong < 0.5 else 0.0
    return f"the next replica heard {heard:.0f} of 128 bits" if heard > MOST_HEARD else ""


def _judge_burning(told: Mapping[str, Any], replica: ReplicaResult | None) -> tuple[str, str]:
    """Of the meter and of the one core."""
    if not told or replica is None:
        return UNTRIED, UNTRIED
    burnt, elapsed = told["burnt"], told["elapsed"]
    if replica.clock is not CpuClock.CGROUP:
        meter = UNMETERED
    else:
        counted = replica.cpu_seconds
        meter = f"counted {counted:.2f} s of {burnt:.2f} s" if counted < LEAST_COUNTED * burnt else ""
    core = f"computed {burnt:.2f} s in {elapsed:.2f} s" if burnt > MOST_COMPUTED * elapsed else ""
    return meter, core


def _parse(replica: ReplicaResult | None) -> dict[str, Any]:
    """What the replica printed; nothing if it did not come to its end."""
    if replica is None or replica.outcome is not Outcome.OK:
        return {}
    with suppress(ValueError):
        told = json.loads(replica.log)
        return told if isinstance(told, dict) else {}
    return {}


@contextmanager
def _make_outside() -> Iterator[_Outside]:
    token = f"lacuna-{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(prefix="lacuna-check-", dir=_find_folder()) as folder:
        marker = Path(folder) / "marker"
        marker.write_text(token)
        marker.chmod(0o644)
        Path(folder).chmod(0o755)
        victim = subprocess.Popen(
            ["/bin/sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(f"\0{token}")
                server.listen()
                yield _Outside(token, str(marker), victim)
        finally:
            victim.kill()
            victim.wait()


def _find_folder() -> str | None:
    """Where a box mounts nothing of its own, if this process may write there."""
    return "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # noqa: S108 -- the folder in it is made afresh


def _make_request(outside: _Outside, acts: Sequence[int], wall_seconds: float) -> RunRequest:
    with torch.device("meta"):  # nothing is drawn: another thread may be training models by their seeds
        network = build(CLASSES, SHAPE)
    original = {name: torch.zeros(value.shape, dtype=value.dtype) for name, value in network.state_dict().items()}
    splits = {f"{name}_x": torch.zeros(EXAMPLES, *SHAPE) for name in SPLIT_NAMES}
    splits |= {f"{name}_y": torch.zeros(EXAMPLES, dtype=torch.int64) for name in SPLIT_NAMES}
    return RunRequest(
        label=f"{LOCAL_LABEL}check",
        network=NetworkRef("digits", {}, CLASSES, SHAPE),
        batch_format=BatchFormat.PAIR,
        batch_size=EXAMPLES,
        files={
            "submission.py": Path(attempts.__file__).read_bytes(),
            attempts.ORDER_FILE: json.dumps(_make_order(outside)).encode(),
        },
        splits=save(splits),
        originals=(save(original),),
        orders=tuple(ReplicaOrder(place, act) for place, act in enumerate(acts)),
        limits=Limits(
            wall_seconds=wall_seconds,
            memory_bytes=MEMORY_BYTES,
            output_bytes=1 << 20,
            log_bytes=64 << 10,
            print_bytes=1 << 20,
            scratch_bytes=SCRATCH_BYTES,
            processes=PROCESSES,
        ),
    )


def _choose_acts(promised: frozenset[Promise]) -> Sequence[int]:
    """Without a limit on their sum, children that take memory would take this machine's."""
    takes_memory = attempts.ACTS.index(attempts.take_memory)
    return [act for act in range(len(attempts.ACTS)) if act != takes_memory or Promise.MEMORY in promised]


def _make_order(outside: _Outside) -> dict[str, Any]:
    architecture = pyseccomp.system_arch()
    numbers = ((name, pyseccomp.resolve_syscall(architecture, name)) for name in CALLS.split())
    calls = [(name, number, FIRST_ARGUMENTS.get(name, 0)) for name, number in numbers if number >= 0]
    return {
        "token": outside.token,
        "marker": outside.marker,
        "victim": outside.victim.pid,
        "families": FAMILIES,
        "namespace": os.readlink("/proc/self/ns/net"),
        "writable": WRITABLE,
        "places": PLACES,
        "variables": [name for name in os.environ if name.startswith("LACUNA_")],
        "calls": calls,
        "burn_seconds": BURN_SECONDS,
        "scratch_bytes": SCRATCH_BYTES,
        "memory_bytes": MEMORY_BYTES,
        "processes": PROCESSES,
    }
