"""Which sandbox this node works in, and whether it keeps what it promises: tried before any work, and when it changes.

A worker tries it once, before its processes are forked; each of them knows what came of it, and tries again by itself
if the backend or its image has changed since, or a minute after it was refused.
"""

import threading
import time
from dataclasses import dataclass

import structlog

from core.domain.errors import ContestError, PlatformFault
from core.domain.promises import Trial, explain_refusal, keeps_quiet
from core.settings import Settings
from worker.runner.base import Sandbox
from worker.runner.choose import choose_sandbox
from worker.runner.trials import try_promises

RETRY_SECONDS = 60.0
log = structlog.get_logger()
_lock = threading.Lock()
_latest: "Checked | None" = None


@dataclass(frozen=True, slots=True)
class Checked:
    sandbox: Sandbox
    identity: str
    trials: tuple[Trial, ...]
    fault: str  # why work is refused; empty if it is not
    at: float

    @property
    def is_quiet(self) -> bool:
        return keeps_quiet(self.trials)

    def take(self) -> Sandbox:
        """The sandbox to work in; raises PlatformFault if work is refused."""
        if self.fault:
            raise PlatformFault(self.fault)
        return self.sandbox


def check_node(settings: Settings) -> Checked:
    """What was tried of the sandbox that this node would work in; raises PlatformFault where there is none."""
    global _latest
    sandbox = choose_sandbox(settings)
    identity = f"{sandbox.name} {sandbox.identify()}"
    with _lock:
        known = _latest
        if known is not None and known.identity == identity and (not known.fault or _is_young(known)):
            return known
        _latest = _try(sandbox, identity, production=settings.production)
        return _latest


def _is_young(checked: Checked) -> bool:
    return time.monotonic() - checked.at < RETRY_SECONDS


def _try(sandbox: Sandbox, identity: str, *, production: bool) -> Checked:
    try:
        trials = try_promises(sandbox)
        fault = explain_refusal(trials, sandbox.name, production=production)
    except ContestError as error:
        trials, fault = (), error.message
    if fault:
        log.error("node refuses work", fault=fault)
    return Checked(sandbox, identity, trials, fault, time.monotonic())
