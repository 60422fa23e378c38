"""Which sandbox this node works in, and whether it keeps what it promises: tried before any box is used, and when it
changes.

What was tried is kept on this machine, under a lock: a worker's processes try it once between them, and a worker that
is started again within ten minutes begins with what the one before found, and tries when those are over. A process
tries again by itself if the backend or its image has changed since, or a minute after it was refused.
"""

import hashlib
import json
import math
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import structlog
from filelock import FileLock

from core.db.base import utc_now
from core.domain.errors import ContestError, PlatformFault
from core.domain.promises import Trial, dump_trials, explain_refusal, keeps_quiet, parse_trials
from core.settings import Settings
from worker.jobs.machine import MACHINE, find_start
from worker.runner import trials as tried_code
from worker.runner.base import Sandbox
from worker.runner.choose import choose_sandbox
from worker.runner.trials import try_promises

RETRY_SECONDS = 60.0
LATELY_SECONDS = 10.0  # what was chosen is not looked for again
KEPT_FOR = timedelta(minutes=10)
log = structlog.get_logger()
_lock = threading.Lock()
_latest: "Checked | None" = None
_chosen: "tuple[float, Settings, Sandbox] | None" = None


@dataclass(frozen=True, slots=True)
class Checked:
    sandbox: Sandbox
    identity: str
    trials: tuple[Trial, ...]
    fault: str  # why work is refused; empty if it is not
    until: float  # of the monotonic clock: then it is tried anew

    @property
    def is_quiet(self) -> bool:
        return keeps_quiet(self.trials)

    def take(self) -> Sandbox:
        """The sandbox to work in; raises PlatformFault if work is refused."""
        if self.fault:
            raise PlatformFault(self.fault)
        return self.sandbox


def choose_lately(settings: Settings) -> Sandbox:
    """The sandbox to work in, looked for unless it just was; raises PlatformFault where there is none."""
    global _chosen
    known, now = _chosen, time.monotonic()
    if known is None or known[1] != settings or now - known[0] > LATELY_SECONDS:
        known = _chosen = now, settings, choose_sandbox(settings)
    return known[2]


def check_node(settings: Settings) -> Checked:
    """What was tried of the sandbox that this node would work in; raises PlatformFault where there is none."""
    global _latest
    sandbox = choose_lately(settings)
    identity = f"{MACHINE} {sandbox.name} {sandbox.identify()} {_digest_attempts()}"
    with _lock:
        known = _latest
        if known is not None and known.identity == identity and time.monotonic() < known.until:
            return known
        _latest = _find(sandbox, identity, settings)
        return _latest


@cache
def _digest_attempts() -> str:
    """Of what runs and tries the boxes: after an upgrade it is tried anew."""
    files = sorted(Path(tried_code.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _find(sandbox: Sandbox, identity: str, settings: Settings) -> Checked:
    """What another process of this worker, or the worker before it, has tried, or else what comes of it now."""
    path, production = settings.data_folder / "checks" / f"{settings.node_name}.json", settings.production
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            kept = _recall(path, sandbox, identity)
            if kept is not None and not explain_refusal(kept.trials, sandbox.name, production=production):
                return kept
            found = _try(sandbox, identity, production=production)
            _keep(path, found)
            return found
    except OSError:  # nowhere to keep it
        return _try(sandbox, identity, production=production)


def _name_worker() -> str:
    """Its processes are forked from one, which is not looked at before that."""
    return f"{os.getppid()} {find_start(os.getppid())}"


def _try(sandbox: Sandbox, identity: str, *, production: bool) -> Checked:
    try:
        trials = try_promises(sandbox)
        fault = explain_refusal(trials, sandbox.name, production=production)
    except ContestError as error:
        trials, fault = (), error.message
    if fault:
        log.error("node refuses work", fault=fault)
    return Checked(sandbox, identity, trials, fault, time.monotonic() + RETRY_SECONDS if fault else math.inf)


def _keep(path: Path, checked: Checked) -> None:
    """Only what was tried, and held: a fault is looked for again."""
    if checked.fault:
        path.unlink(missing_ok=True)
        return
    kept = {"identity": checked.identity, "by": _name_worker(), "at": utc_now().isoformat()}
    path.write_text(json.dumps({**kept, "trials": dump_trials(checked.trials)}))


def _recall(path: Path, sandbox: Sandbox, identity: str) -> Checked | None:
    """None if nothing was kept of this very box on this start of this machine, or it is another worker's and old."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_text())
        left = KEPT_FOR - abs(utc_now() - datetime.fromisoformat(kept["at"]))
        until = math.inf if kept["by"] == _name_worker() else time.monotonic() + left.total_seconds()
        if kept["identity"] == identity and time.monotonic() < until:
            return Checked(sandbox, identity, parse_trials(kept["trials"]), "", until)
    return None
