"""Messages get lost: brokers restart, workers die with what they received. What waits for one is sent again.

The database says what waits, the outbox and the broker say what is on its way; the rest is lost. A message that a
worker has just received is in neither, so now and then one is sent twice: whoever comes second finds nothing to claim.
No piece of work has more than one reminder in the broker, however long it waits there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from core.broker import read_messages
from core.db.base import utc_now
from core.db.queries import outbox, reminders
from core.db.session import reading, transaction
from core.domain.errors import PlatformFault
from core.jobs import BUILD_CHUNK, ORDINARY, PREPARE, QUEUES, RUN_SHARD, SCORE, VALIDATE, put_off
from core.lifecycle import get_priority
from worker.jobs.context import WorkerContext

log = structlog.get_logger()
MOST = 1000  # reminders a turn
PREPARING = timedelta(minutes=1)  # a problem for which nothing came of it is not loaded again every turn


@dataclass(frozen=True, slots=True)
class Reminder:
    task: str
    object_id: str
    priority: int = ORDINARY


def remind(context: WorkerContext) -> int:
    """Put every lost message into the outbox again; the count of them."""
    with reading(context.engine) as session:
        # in the order in which messages move on, so that none is missed between two places
        waiting = list(_list_waiting(session, context))
        on_their_way = outbox.fetch_addresses(session) if waiting else set()
    if not waiting:
        return 0
    try:
        on_their_way |= read_messages(context.settings.resolved_broker_url, set(QUEUES.values()))
    except PlatformFault as fault:
        log.warning("nothing can be sent again", reason=fault.message)
        return 0
    lost = [each for each in waiting if (each.task, each.object_id) not in on_their_way][:MOST]
    if lost:
        with transaction(context.engine) as session:
            for each in lost:
                put_off(session, each.task, each.object_id, priority=each.priority)
        log.info("messages were lost and go out again", count=len(lost))
    return len(lost)


def _list_waiting(session: Session, context: WorkerContext) -> Iterator[Reminder]:
    for shard_id, evaluation in reminders.fetch_free_shards(session):
        yield Reminder(RUN_SHARD, shard_id, get_priority(evaluation))
    for evaluation in reminders.fetch_unscored(session, utc_now()):
        yield Reminder(SCORE, evaluation.id, get_priority(evaluation))
    for chunk_id in reminders.fetch_free_chunks(session):
        yield Reminder(BUILD_CHUNK, chunk_id)
    for version_id in reminders.fetch_unread_data_sets(session):
        yield Reminder(VALIDATE, version_id)
    now = utc_now()
    for problem_id in reminders.fetch_idle_problems(session, now):
        if context.reminded.get(problem_id, now) <= now:
            context.reminded[problem_id] = now + PREPARING
            yield Reminder(PREPARE, problem_id)
