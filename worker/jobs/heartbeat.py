"""Keeps a lease alive while a worker works without a session, and tells it when to stop."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core import lifecycle
from core.db.base import utc_now
from core.db.queries import competitions, evaluations, leases
from core.db.session import transaction
from worker.jobs.context import WorkerContext
from worker.shards.beat import Beat

Renew = Callable[[Session, datetime, int], bool]


class Heartbeat(Beat):
    """Calls `renew(session, until, finished)` for whoever works beside the database."""

    def __init__(self, context: WorkerContext, renew: Renew) -> None:
        super().__init__(context.settings.lease_seconds)
        self._context, self._renew = context, renew

    def _ask(self, finished: int) -> bool | None:
        until = utc_now() + timedelta(seconds=self._context.settings.lease_seconds)
        try:
            with transaction(self._context.engine) as session:
                return self._renew(session, until, finished)
        except SQLAlchemyError:
            return None  # a busy database is not a lost lease; the fence decides at the end


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
