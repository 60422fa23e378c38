"""Keeps a node's lease alive while a shard runs, and hears when nobody wants it any more."""

import threading
from types import TracebackType

from core.domain.errors import ContestError, NotAuthenticated
from worker.agent.link import Link, ServerAway
from worker.agent.patience import Standing

LOOK_SECONDS = 0.5
LONGEST_SILENCE = 2.0


class LeasePulse:
    def __init__(self, link: Link, standing: Standing, lease: str, lease_seconds: float) -> None:
        self._link, self._standing, self._lease = link, standing, lease
        self._silence = min(lease_seconds / 4, LONGEST_SILENCE)
        self._finished, self._wanted = 0, True
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="lease-pulse")

    def __enter__(self) -> "LeasePulse":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    @property
    def is_wanted(self) -> bool:
        return self._wanted and not self._standing.over.is_set()

    def report(self, finished: int) -> bool:
        self._finished = finished
        return self.is_wanted

    def _beat(self) -> None:
        reported, since = -1, 0.0
        while not self._over.wait(LOOK_SECONDS):
            since += LOOK_SECONDS
            if self._finished == reported and since < self._silence:
                continue
            reported, since = self._finished, 0.0
            try:
                self._wanted = self._wanted and self._link.is_wanted(self._lease, reported)
            except ServerAway:
                continue  # the fence decides at the end
            except NotAuthenticated as error:
                self._standing.end(error.message)
            except ContestError:
                self._wanted = False
