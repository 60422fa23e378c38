"""Keeps a lease alive while a worker works without a session, and tells it when to stop."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core import lifecycle
from core.db.base import utc_now
from core.db.queries import competitions, evaluations, leases
from core.db.session import transaction
from worker.jobs.context import WorkerContext

REPORT_SECONDS = 0.5  # how often progress reaches the database
LONGEST_SILENCE = 2.0

Renew = Callable[[Session, datetime, int], bool]


class Heartbeat:
    """Call `renew(session, until, finished)` again and again in a thread; `report` says whether to go on."""

    def __init__(self, context: WorkerContext, renew: Renew) -> None:
        self._context, self._renew = context, renew
        self._finished = 0
        self._wanted = True
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> "Heartbeat":
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
        return self._wanted

    def _beat(self) -> None:
        lease = self._context.settings.lease_seconds
        reported, since = -1, 0.0
        while not self._over.wait(REPORT_SECONDS):
            since += REPORT_SECONDS
            if self._finished == reported and since < min(lease / 4, LONGEST_SILENCE):
                continue
            reported, since = self._finished, 0.0
            try:
                with transaction(self._context.engine) as session:
                    held = self._renew(session, utc_now() + timedelta(seconds=lease), reported)
            except SQLAlchemyError:
                continue  # a busy database is not a lost lease; the fence decides at the end
            self._wanted = self._wanted and held


def renew_shard(shard_id: str, fence: int, evaluation_id: str) -> Renew:
    """A shard is wanted as long as its fence holds and its evaluation lives."""

    def renew(session: Session, until: datetime, finished: int) -> bool:
        return lifecycle.renew_shard(session, shard_id, fence, evaluation_id, until=until, finished=finished)

    return renew


def renew_piece(model: leases.LeasedModel, piece_id: str, fence: int) -> Renew:
    """Any other piece of work is wanted as long as its fence holds."""
    return lambda session, until, _finished: leases.renew(session, model, piece_id, fence, until=until)


def renew_score(evaluation_id: str, fence: int) -> Renew:
    return lambda session, until, _finished: evaluations.renew_scoring(session, evaluation_id, fence, until)


def renew_preparation(problem_id: str) -> Renew:
    return lambda session, until, _finished: competitions.renew_preparation(session, problem_id, until)
