"""Keeps a lease alive while a worker works without a session, and tells it when to stop."""

import threading
from datetime import timedelta
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from core.db.base import utc_now
from core.db.models.submissions import Shard
from core.db.queries import evaluations, leases
from core.db.session import transaction
from core.domain.submission import Status
from worker.jobs.context import WorkerContext

REPORT_SECONDS = 0.5  # how often progress reaches the database


class Heartbeat:
    """Renew in a thread, with the count of finished replicas; `report` says whether to go on."""

    def __init__(self, context: WorkerContext, shard_id: str, fence: int, evaluation_id: str) -> None:
        self._context = context
        self._shard_id, self._fence, self._evaluation_id = shard_id, fence, evaluation_id
        self._finished = 0
        self._wanted = True
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name=f"heartbeat-{shard_id}")

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def report(self, finished: int) -> bool:
        self._finished = finished
        return self._wanted

    def _beat(self) -> None:
        lease = self._context.settings.lease_seconds
        reported, since = -1, 0.0
        while not self._over.wait(REPORT_SECONDS):
            since += REPORT_SECONDS
            if self._finished == reported and since < min(lease / 4, 2.0):
                continue
            reported, since = self._finished, 0.0
            try:
                self._wanted = self._wanted and self._renew(reported, lease)
            except SQLAlchemyError:
                continue  # a busy database is not a lost lease; the fence decides at the end

    def _renew(self, finished: int, lease: float) -> bool:
        until = utc_now() + timedelta(seconds=lease)
        with transaction(self._context.engine) as session:
            held = leases.renew(session, Shard, self._shard_id, self._fence, until=until, finished_replicas=finished)
            status = evaluations.fetch_status(session, self._evaluation_id)
        return held and status not in (Status.CANCELLING, Status.FINISHED)
