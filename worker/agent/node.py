"""A machine that joined over HTTP: it tries its boxes, says what it is, and works until it is told to leave.

It holds its own key and nothing else: no database, no broker, no store. An import contract says so.
"""

import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import torch

from core.domain.durations import show_duration
from core.domain.errors import Conflict, ContestError, PlatformFault
from core.domain.fleet import LARGEST_SKEW
from core.domain.promises import Trial, dump_trials, explain_refusal
from core.node_records import NodeReport, NodeTerms
from core.settings import Settings
from core.version import find_version
from worker.agent.link import Link, ServerAway
from worker.agent.patience import Standing
from worker.agent.slot import Slot
from worker.runner.base import Sandbox
from worker.runner.choose import choose_sandbox
from worker.runner.trials import try_promises

BEAT_SECONDS = 5.0
LEAVE_SECONDS = 5.0  # for the slots to stop their boxes; what still runs dies with this process
INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class Joined:
    link: Link
    standing: Standing
    settings: Settings
    sandbox: Sandbox
    report: NodeReport


def run_node(link: Link, settings: Settings, standing: Standing, folder: Path) -> None:
    """Raises PlatformFault, or what the server refused, in one line; returns once it was told to leave.

    folder: held by this node alone.
    """
    torch.set_num_threads(1)  # one thread a slot, as a worker's processes have
    joined = _join(link, settings, standing, read_instance(folder))
    if joined is not None:
        _work(joined, folder)
    if standing.reason:
        raise PlatformFault(standing.reason)


def read_instance(folder: Path) -> str:
    """The same after a crash, so that the name is free for this very node at once."""
    path = folder / INSTANCE
    with suppress(OSError, ValueError):
        return uuid.UUID(hex=path.read_text().strip()).hex
    path.write_text(uuid.uuid4().hex)
    return path.read_text()


def describe_skew(server_time: datetime, now: datetime) -> str:
    """What is said of clocks that differ; empty if they do not. Leases are by the server's clock alone."""
    skew = now - server_time
    if abs(skew) <= LARGEST_SKEW:
        return ""
    told = show_duration(abs(skew).total_seconds())
    side = "ahead of" if skew.total_seconds() > 0 else "behind"
    return f"this machine's clock is {told} {side} the server's: leases do not mind, certificates and logs may"


def _join(link: Link, settings: Settings, standing: Standing, instance: str) -> Joined | None:
    sandbox = choose_sandbox(settings)
    trials = try_promises(sandbox)
    fault = explain_refusal(trials, sandbox.name, production=settings.production)
    report = _describe(settings, sandbox, trials, fault, instance)
    terms = standing.call(lambda: _introduce(link, report, standing))
    if terms is None:
        return None
    fault = fault or explain_refusal(trials, sandbox.name, production=terms.production)
    if fault:
        raise PlatformFault(fault)
    if skew := describe_skew(terms.server_time, datetime.now(UTC)):
        standing.say(skew)
    wanted = {"lease_seconds": terms.lease_seconds, "upload_bytes": terms.upload_bytes, "production": terms.production}
    standing.say(
        f"{terms.name} works for {link.url}: {settings.workers} at once in {sandbox.name}, class"
        f" {settings.node_class}, for {', '.join(terms.purposes)}"
    )
    return Joined(link, standing, settings.model_copy(update=wanted), sandbox, report)


def _introduce(link: Link, report: NodeReport, standing: Standing) -> NodeTerms:
    try:
        return link.report(report)
    except Conflict as error:  # of another machine with this key, which may be gone in half a minute
        raise ServerAway(error.message) from None


def _describe(settings: Settings, sandbox: Sandbox, trials: tuple[Trial, ...], fault: str, instance: str) -> NodeReport:
    return NodeReport.model_validate(
        {
            "instance": instance,
            "version": find_version(),
            "node_class": settings.node_class,
            "device": settings.device,
            "workers": settings.workers,
            "sandbox": "" if fault else sandbox.name,
            "fault": fault[:1000],
            "promises": dump_trials(trials),
        }
    )


def _work(joined: Joined, folder: Path) -> None:
    standing, instance = joined.standing, joined.report.instance
    slots = [
        Slot(joined.link, standing, joined.settings, joined.sandbox, instance, folder)
        for _ in range(joined.settings.workers)
    ]
    threads = [threading.Thread(target=slot.work, daemon=True, name=f"slot-{at}") for at, slot in enumerate(slots)]
    for thread in threads:
        thread.start()
    _report_until_over(joined)
    with suppress(ContestError):  # a key that was revoked has left already
        joined.link.leave(instance)
    deadline = monotonic() + LEAVE_SECONDS
    for thread in threads:
        thread.join(max(deadline - monotonic(), 0.0))


def _report_until_over(joined: Joined) -> None:
    standing, was_draining = joined.standing, False
    while not standing.over.wait(BEAT_SECONDS):
        try:
            terms = standing.call(lambda: joined.link.report(joined.report))
        except ContestError as error:
            standing.end(error.message)
            return
        if terms is not None and terms.is_draining != was_draining:
            was_draining = terms.is_draining
            standing.say("the server gives this node nothing more" if was_draining else "this node works again")
