"""Reading uploads for accounts: in another process, each account in turn, and for no more of its time than is fair."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, Request

from api.deps import SettingsDep, Submitter
from core.domain.intake.report import SubmissionFiles
from core.domain.quota import READING_WINDOW_SECONDS, check_readings, refuse_busy_readers
from core.reader.apart import read_apart

MOST_WAITING = 24  # of the threads that answer: what is left answers everybody else
PATIENCE_SECONDS = 15.0


@dataclass(slots=True)
class _Account:
    turn: threading.Lock = field(default_factory=threading.Lock)
    inside: int = 0  # uploads that wait or are read
    spent: deque[tuple[float, float]] = field(default_factory=deque)  # when, and how many seconds

    def forget(self, now: float) -> None:
        while self.spent and self.spent[0][0] < now - READING_WINDOW_SECONDS:
            self.spent.popleft()


class Readings:
    """One a process of the api. It counts by account, in memory: a restart forgets at most a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts: dict[str, _Account] = {}

    def read(self, account_id: str, limit_bytes: int, filename: str, content: bytes) -> SubmissionFiles:
        """As `read_submission`; raises LimitReached where the account or everybody together asks for too much."""
        with self._take_place(account_id) as account:
            begin = self._clock()
            try:
                return read_apart(filename, content, limit_bytes=limit_bytes)
            finally:
                account.spent.append((begin, self._clock() - begin))

    @contextmanager
    def _take_place(self, account_id: str) -> Iterator[_Account]:
        account = self._enter(account_id)
        try:
            if not account.turn.acquire(timeout=PATIENCE_SECONDS):
                refuse_busy_readers()
            try:
                self._check(account)
                yield account
            finally:
                account.turn.release()
        finally:
            with self._lock:
                account.inside -= 1

    def _enter(self, account_id: str) -> _Account:
        with self._lock:
            if sum(each.inside for each in self._accounts.values()) >= MOST_WAITING:
                refuse_busy_readers()
            if account_id not in self._accounts:
                self._sweep()
            account = self._accounts.setdefault(account_id, _Account())
            account.inside += 1
        return account

    def _sweep(self) -> None:
        idle = [each for each in self._accounts.values() if not each.inside]
        for account in idle:
            account.forget(self._clock())
        self._accounts = {key: each for key, each in self._accounts.items() if each.spent or each.inside}

    def _check(self, account: _Account) -> None:
        now = self._clock()
        account.forget(now)
        oldest = account.spent[0][0] if account.spent else now
        seconds = sum(seconds for _, seconds in account.spent)
        check_readings(len(account.spent), seconds, retry_after=oldest + READING_WINDOW_SECONDS - now)


@dataclass(frozen=True, slots=True)
class Intake:
    """How the caller's uploads are read."""

    limit_bytes: int
    read: Callable[[str, bytes], SubmissionFiles]


def get_intake(request: Request, settings: SettingsDep, caller: Submitter) -> Intake:
    readings = cast(Readings, request.app.state.readings)
    return Intake(settings.upload_bytes, partial(readings.read, caller.member_id, settings.upload_bytes))


IntakeDep = Annotated[Intake, Depends(get_intake)]
