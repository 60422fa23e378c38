"""Does the platform stay what it was after an hour of mixed traffic and random faults?

python -m bench.soak [--minutes 60] [--seed 1] [--every 20] [--folder FOLDER]

Starts a platform of its own on loopback (`LACUNA_DATABASE_URL` names another database than SQLite), lets people upload,
cancel, read boards and follow event streams and an admin rejudge, and breaks something every few seconds. In the first
third whole processes are killed; then they are frozen and messages are lost, so that every process is watched for two
thirds of the time, and has filled its caches before the third quarter, with which the last is compared. Prints a table
in Markdown. Exit code 1: memory or files of a process grew from the third quarter to the last, or processes, boxes,
messages or unfinished work were left once the traffic had ended.
"""

import argparse
import logging
import random
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import structlog

from bench.soak.faults import Faults
from bench.soak.samples import Sample, count_leftovers, find_growth, print_table, take_sample
from bench.soak.traffic import Traffic
from cli.here.processes import LocalPlatform
from core.db.queries import competitions
from core.db.session import get_engine, reading, transaction
from core.domain.competition import CompetitionState
from core.domain.errors import PlatformFault
from core.problem_files import find_problem
from core.problems import ProblemSpec
from core.settings import Settings, get_settings

SLUG = "soak"
OPENS_SECONDS, ENDS_SECONDS = 600.0, 600.0
SAMPLE_SECONDS, TURN_SECONDS = 5.0, 0.5


def make_problem() -> ProblemSpec:
    """Digits, cut down to what trains and runs in a moment; its cost has no say here."""
    values: dict[str, Any] = find_problem("digits").model_dump(mode="json")
    changes: dict[str, dict[str, Any]] = {
        "recipe": {"epochs": 3, "batch_size": 32},
        "network": {"options": {"hidden": [12]}},
        "split": {"train": 240, "validation": 50},
        "pools": {"replicas": 16},
        "evaluation": {"replicas": 16, "canary_replicas": 2, "shard_replicas": 7, "calibration_replicas": 2},
    }
    for part, change in changes.items():
        values[part] = {**values[part], **change}
    values["evaluation"]["compute_budget"] = 1e6
    return ProblemSpec.model_validate({**values, "slug": SLUG, "title": "Soak"})


def make_settings(folder: Path) -> Settings:
    changes = {"data_folder": folder, "api_port": 0, "lease_seconds": 6.0, "sweep_seconds": 1.0, "workers": 2}
    settings = get_settings().model_copy(update={**changes, "registrations_per_hour": 10_000})
    return settings.model_copy(update={"api_port": find_free_port()})


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(platform: LocalPlatform) -> None:
    """Let people submit as much as they can, once the pools are trained."""
    engine = get_engine(platform.settings.resolved_database_url)
    deadline = time.monotonic() + OPENS_SECONDS
    while time.monotonic() < deadline:
        platform.check()
        with reading(engine) as session:
            row = competitions.fetch_competition(session, SLUG)
        if row is not None and row.state is CompetitionState.OPEN:
            with transaction(engine) as session:
                session.merge(row).daily_limit = 100_000
            return
        time.sleep(TURN_SECONDS)
    raise PlatformFault(f"the competition did not open within {OPENS_SECONDS:.0f} s")


def wait_until_quiet(platform: LocalPlatform) -> float:
    """Seconds until all that was begun has ended, and its boxes and messages are gone; the limit if it never has."""
    engine = get_engine(platform.settings.resolved_database_url)
    began = time.monotonic()
    while (took := time.monotonic() - began) < ENDS_SECONDS:
        platform.check()
        if not any(count_leftovers(platform, engine).values()):
            break
        time.sleep(2.0)
    return took


def soak(platform: LocalPlatform, args: argparse.Namespace) -> int:
    """The exit code."""
    engine = get_engine(platform.settings.resolved_database_url)
    wait_until_open(platform)
    traffic, faults = Traffic(platform.url, SLUG, engine, seed=args.seed), Faults(platform, random.Random(args.seed))
    samples: list[Sample] = []
    began = time.monotonic()
    traffic.start()
    ends, next_fault, next_sample = began + 60 * args.minutes, began + args.every, began
    while (now := time.monotonic()) < ends:
        platform.check()
        if now >= next_sample:
            samples.append(take_sample(platform, now - began))
            next_sample = now + SAMPLE_SECONDS
        if now >= next_fault:
            faults.inject(may_kill=now - began < 20 * args.minutes)
            next_fault = time.monotonic() + args.every * faults.chance.uniform(0.5, 1.5)
        time.sleep(TURN_SECONDS)
    traffic.stop()
    quiet = wait_until_quiet(platform)
    left = count_leftovers(platform, engine)
    growth = find_growth(samples)
    print_table(args, samples, traffic.counts, faults.counts, quiet_seconds=quiet, left=left, growth=growth)
    return 1 if growth or any(left.values()) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=20.0, help="mean seconds between two faults")
    parser.add_argument("--folder", type=Path, default=None, help="kept afterwards; default: a temporary one")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lacuna-soak-")))
        platform = stack.enter_context(LocalPlatform(make_settings(folder), [make_problem()]))
        return soak(platform, args)


if __name__ == "__main__":
    sys.exit(main())
