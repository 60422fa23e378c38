"""What a platform holds at a moment of a soak, and whether that grows."""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from sqlalchemy import Engine

from bench.soak.faults import list_boxes
from cli.here.processes import LocalPlatform
from core.broker import read_messages
from core.db.base import utc_now
from core.db.queries import operations, outbox
from core.db.session import reading
from core.domain.errors import PlatformFault
from core.jobs import QUEUES
from worker.runner.cgroup import ROOT, name_prefix
from worker.runner.choose import name_owner

MAY_GROW_BY, MAY_GROW_BYTES, MAY_GROW_FILES = 0.10, 24 << 20, 8
STALE_SECONDS = 120.0
BOX = "bwrap"


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process of the platform and all that it forked, boxes aside."""

    memory_bytes: int
    files: int
    processes: int


@dataclass(frozen=True, slots=True)
class Sample:
    seconds: float
    usage: Mapping[str, Usage]  # by process
    boxes: int


def take_sample(platform: LocalPlatform, seconds: float) -> Sample:
    return Sample(
        seconds,
        {name: _measure(_list_family(process)) for name, process in platform.processes.items()},
        len(list_boxes(platform)),
    )


def count_leftovers(platform: LocalPlatform, engine: Engine) -> dict[str, int]:
    """What should all be gone once nobody asks for anything."""
    with reading(engine) as session:
        groups = operations.fetch_live_groups(session)
        unsent = len(outbox.fetch_unsent(session, utc_now()))
        shards = operations.count_waiting_shards(session)
    try:
        messages = len(read_messages(platform.broker_url, set(QUEUES.values())))
    except PlatformFault:
        messages = 1
    return {
        "evaluations unfinished": sum(group.count for group in groups),
        "shards waiting": shards,
        "messages unsent": unsent,
        "messages in the broker": messages,
        "boxes": len(list_boxes(platform)),
        "strays": sum(1 for _ in _list_strays(platform)),
        "cgroups": count_cgroups(ROOT, name_owner(platform.settings)),
    }


def count_cgroups(root: Path, owner: str) -> int:
    """Of boxes of this platform that are gone. The janitor takes an empty one away that is older than a minute."""
    newest = time.time() - STALE_SECONDS  # noqa: TID251  (files have dates)
    return sum(1 for path in root.glob(f"**/{name_prefix(owner)}*/cgroup.procs") if _is_stale(path, newest))


def find_growth(samples: Sequence[Sample]) -> list[str]:
    """What grew from the third quarter to the last, one line each."""
    third, last = _cut(samples)[2:]
    lines = []
    for name in sorted({name for sample in third for name in sample.usage}):
        before, after = (_take(part, name, lambda usage: usage.memory_bytes) for part in (third, last))
        if after > before * (1 + MAY_GROW_BY) + MAY_GROW_BYTES:
            lines.append(f"memory of {name} grew from {_mebi(before)} to {_mebi(after)} MiB")
        before, after = (_take(part, name, lambda usage: usage.files) for part in (third, last))
        if after > before + MAY_GROW_FILES:
            lines.append(f"open files of {name} grew from {before:.0f} to {after:.0f}")
    return lines


def print_table(
    args: argparse.Namespace,
    samples: Sequence[Sample],
    traffic: Mapping[str, int],
    faults: Mapping[str, int],
    *,
    quiet_seconds: float,
    left: Mapping[str, int],
    growth: Sequence[str],
) -> None:
    quarters = _cut(samples)
    print(f"{args.minutes:g} minutes, seed {args.seed}, a fault every {args.every:g} s on average\n")
    print("| process | memory, MiB, by quarter | open files, by quarter |\n|---|---|---|")
    for name in sorted({name for sample in samples for name in sample.usage}):
        memory = " ".join(_mebi(_take(part, name, lambda usage: usage.memory_bytes)) for part in quarters)
        files = " ".join(f"{_take(part, name, lambda usage: usage.files):.0f}" for part in quarters)
        print(f"| {name} | {memory} | {files} |")
    print(f"\nMost boxes at once: {max(sample.boxes for sample in samples)}. Traffic: {_list(traffic)}.")
    print(f"Faults: {_list(faults)}.")
    print(f"Everything had ended {quiet_seconds:.0f} s after the last request. Left then: {_list(left)}.")
    print(f"Grew: {'; '.join(growth) or 'nothing'}.")


def _measure(family: Sequence[psutil.Process]) -> Usage:
    memory = files = count = 0
    for process in family:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            # shared pages count in every process that has them: what matters is whether the sum grows
            memory += process.memory_info().rss
            files += process.num_fds()
            count += 1
    return Usage(memory, files, count)


def _list_family(number: int) -> list[psutil.Process]:
    """A process and what it forked, without the boxes and what is in them."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(number)
        return [parent, *_list_children(parent)]
    return []


def _list_children(parent: psutil.Process) -> Iterator[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        for child in parent.children():
            with suppress(psutil.NoSuchProcess):
                if child.name() != BOX:
                    yield child
                    yield from _list_children(child)


def _list_strays(platform: LocalPlatform) -> Iterator[psutil.Process]:
    """What an earlier process of the platform left running."""
    folder = str(platform.settings.data_folder)
    known = {each.pid for number in platform.processes.values() for each in _list_family(number)}
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            is_ours = process.environ().get("LACUNA_DATA_FOLDER") == folder
            if is_ours and process.pid not in known and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _is_stale(path: Path, newest: float) -> bool:
    try:
        return path.parent.stat().st_mtime < newest and not path.read_text().strip()
    except OSError:
        return False


def _cut(samples: Sequence[Sample]) -> list[Sequence[Sample]]:
    size = max(1, len(samples) // 4)
    return [samples[:size], samples[size : 2 * size], samples[2 * size : 3 * size], samples[3 * size :]]


def _take(part: Sequence[Sample], name: str, choose: Callable[[Usage], int]) -> float:
    values = [choose(sample.usage[name]) for sample in part if name in sample.usage]
    return statistics.median(values) if values else 0.0


def _mebi(size: float) -> str:
    return f"{size / (1 << 20):.0f}"


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
