"""The database's clock: hosts may disagree about the time, leases and deadlines must not.

Every process looks at the database's clock now and then (core.db.session) and carries it on by a clock that nobody
sets. What its own host believes the time to be matters only before the first look.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import TextClause, text

LOOK_SECONDS = 30.0
SKEW = timedelta(seconds=5)  # what is worth a line in the log
# counts while the machine sleeps, which Linux's monotonic clock does not
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_QUERIES = {
    "sqlite": text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')"),
    "postgresql": text(
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
    ),
}

log = structlog.get_logger()


def _read_host() -> datetime:
    return datetime.now(UTC)


def _read_steady() -> float:
    return time.clock_gettime(_STEADY)


@dataclass(slots=True)
class Clock:
    """Tells the database's time; `host` and `steady` are the machine's own two clocks."""

    host: Callable[[], datetime] = _read_host
    steady: Callable[[], float] = _read_steady
    _seen: datetime | None = None
    _seen_at: float = 0.0
    _has_warned: bool = field(default=False, repr=False)

    def now(self) -> datetime:
        if self._seen is None:
            return self.host()
        return self._seen + timedelta(seconds=self.steady() - self._seen_at)

    def is_due(self) -> bool:
        return self._seen is None or self.steady() - self._seen_at >= LOOK_SECONDS

    def set(self, seen: datetime) -> None:
        """Take over what the database says the time is."""
        skew = self.host() - seen
        if abs(skew) > SKEW and not self._has_warned:
            log.warning("this host's clock is off; the database's counts", seconds=round(skew.total_seconds(), 1))
        self._has_warned = abs(skew) > SKEW
        self._seen, self._seen_at = seen, self.steady()


CLOCK = Clock()


def get_query(dialect: str) -> TextClause:
    """What asks a database for its time, as ISO 8601 with its zone."""
    return _QUERIES[dialect]
