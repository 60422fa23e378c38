"""Keeps a lease alive in a thread while its holder works, and hears when nobody waits for the work any more."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

LOOK_SECONDS = 0.5  # how often progress may be told
LONGEST_SILENCE = 2.0


class Beat(ABC):
    """Asks again and again, and at once when more is done; `report` says whether to go on."""

    def __init__(self, lease_seconds: float) -> None:
        self._silence = min(lease_seconds / 4, LONGEST_SILENCE)
        self._finished = 0
        self._wanted = True
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name=type(self).__name__)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    @property
    def is_wanted(self) -> bool:
        return self._wanted

    def report(self, finished: int) -> bool:
        self._finished = finished
        return self.is_wanted

    @abstractmethod
    def _ask(self, finished: int) -> bool | None:
        """Extend the lease; whether the work is still wanted, None where that cannot be known now."""

    def _beat(self) -> None:
        reported, since = -1, 0.0
        while not self._over.wait(LOOK_SECONDS):
            since += LOOK_SECONDS
            if self._finished == reported and since < self._silence:
                continue
            reported, since = self._finished, 0.0
            answer = self._ask(reported)
            self._wanted = self._wanted and answer is not False
