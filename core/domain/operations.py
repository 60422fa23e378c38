"""How the platform does: which nodes live, what waits too long, and how long the rest will take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.domain.submission import Status

SILENT_AFTER = timedelta(seconds=30)  # six beats of a worker
FORGOTTEN_AFTER = timedelta(days=7)  # a node that came back under another name leaves the list


class Health(StrEnum):
    HEALTHY = "healthy"
    FAULTY = "faulty"  # it lives and can run nothing
    RESTING = "resting"  # it failed too often in a row, and tries again in a while
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Cost:
    """What evaluations of one spec kept workers busy with lately, in seconds, boxes and scoring included."""

    canary: float
    shard: float  # the longest one after the canary
    score: float
    total: float


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One evaluation that has not ended; its cost is None if nothing like it ever ran."""

    status: Status
    share_left: float  # of its replicas
    longest_left: float  # the greatest share that is left of one of its shards
    node_class: str  # the only one it runs on; empty for any
    cost: Cost | None


def get_health(*, last_seen_at: datetime, fault: str, resting_until: datetime | None, now: datetime) -> Health:
    if now - last_seen_at > SILENT_AFTER:
        return Health.SILENT
    if fault:
        return Health.FAULTY
    return Health.RESTING if resting_until is not None and resting_until > now else Health.HEALTHY


def estimate_seconds(rows: Sequence[Unfinished], workers: Mapping[str, int]) -> float | None:
    """How long the workers of each class need for all of it; None with nobody to do it or nothing to go by.

    It is what has to be done shared among who may do it, and no less than the longest that must be done in a row.
    """
    if not rows:
        return 0.0
    known = [(row, row.cost) for row in rows if row.cost is not None]
    bound = {row.node_class for row in rows} - {""}
    if len(known) < len(rows) or not sum(workers.values()) or any(not workers.get(each) for each in bound):
        return None
    shared = sum(_find_work(row, cost) for row, cost in known) / sum(workers.values())
    own = (
        sum(_find_work(row, cost) for row, cost in known if row.node_class == each) / workers[each] for each in bound
    )
    return max(shared, *own, *(_find_path(row, cost) for row, cost in known))


def _find_work(row: Unfinished, cost: Cost) -> float:
    return cost.score + (cost.total - cost.score) * row.share_left


def _find_path(row: Unfinished, cost: Cost) -> float:
    """What of it has to be done one after the other."""
    if row.status in (Status.QUEUED, Status.CANARY):
        return cost.canary + cost.shard + cost.score
    return cost.score + (cost.shard * row.longest_left if row.status is Status.RUNNING else 0.0)
