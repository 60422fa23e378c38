"""How the platform does: which nodes live, what waits too long, and how long the rest will take."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SILENT_AFTER = timedelta(seconds=30)  # six beats of a worker
FORGOTTEN_AFTER = timedelta(days=7)  # a node that came back under another name leaves the list


class Health(StrEnum):
    HEALTHY = "healthy"
    FAULTY = "faulty"  # it lives and can run nothing
    RESTING = "resting"  # it failed too often in a row, and tries again in a while
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Backlog:
    """Replicas still to run under one spec, and what one took lately; None if none was ever run."""

    replicas: int
    seconds_per_replica: float | None


def get_health(*, last_seen_at: datetime, fault: str, resting_until: datetime | None, now: datetime) -> Health:
    if now - last_seen_at > SILENT_AFTER:
        return Health.SILENT
    if fault:
        return Health.FAULTY
    return Health.RESTING if resting_until is not None and resting_until > now else Health.HEALTHY


def estimate_seconds(backlogs: Iterable[Backlog], workers: int) -> float | None:
    """How long `workers` side by side need for all of it; None with nobody to do it or nothing to go by."""
    known = [(part.replicas, part.seconds_per_replica) for part in backlogs if part.replicas]
    if not known:
        return 0.0
    if workers < 1 or any(seconds is None for _, seconds in known):
        return None
    return sum(replicas * (seconds or 0.0) for replicas, seconds in known) / workers
