"""The Celery app, the task names, and the outbox: a task is sent after the commit that calls for it, never before."""

from functools import partial

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.operations import Outbox
from core.db.queries import outbox
from core.db.session import after_commit, get_engine, reading, transaction
from core.settings import Settings, get_settings

RUN_SHARD = "lacuna.run_shard"
SCORE = "lacuna.score_evaluation"
DECIDE = "lacuna.decide_evaluation"
BUILD_CHUNK = "lacuna.build_chunk"
PREPARE = "lacuna.prepare_problem"
VALIDATE = "lacuna.validate_data_set"
PREVIEW = "lacuna.preview_problem"
QUEUES = {RUN_SHARD: "shards", SCORE: "scores", DECIDE: "scores", BUILD_CHUNK: "pools", PREPARE: "pools"}
QUEUES |= {VALIDATE: "scores", PREVIEW: "scores"}  # short, and an admin waits: not behind another problem's pools
REMINDED = {RUN_SHARD, SCORE, BUILD_CHUNK, PREPARE, VALIDATE}  # of what is lost of these, the janitor knows
ORDINARY, BACKGROUND = 0, 9  # of a message: workers take what is ordinary first
VISIBILITY_SECONDS = 3600  # longer than any task; lost work comes back by its lease, not by the broker

log = structlog.get_logger()


def make_celery(settings: Settings) -> Celery:
    app = Celery("lacuna", broker=settings.resolved_broker_url)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_routes={name: {"queue": queue} for name, queue in QUEUES.items()},
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        # a request must not hang on an absent broker: the outbox keeps the task and the janitor sends it
        broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS, "socket_keepalive": True, "max_retries": 1}
        | {"interval_start": 0, "interval_step": 0, "interval_max": 0},
        timezone="UTC",
    )
    return app


celery_app = make_celery(get_settings())


def enqueue(session: Session, task: str, object_id: str, *, priority: int = ORDINARY) -> None:
    """Write the message with the caller's change; send it once that is committed."""
    row = outbox.store_message(session, task, object_id, priority)
    engine = session.get_bind().engine
    after_commit(session, partial(_send, engine, row))


def put_off(session: Session, task: str, object_id: str, *, priority: int = ORDINARY) -> None:
    """Hand a message back that was not acted upon: the janitor's next sweep sends it again, once for all copies."""
    if task not in REMINDED or not outbox.has_message(session, task, object_id):
        outbox.store_message(session, task, object_id, priority)


def relay_unsent(settings: Settings) -> int:
    """Send what a crash or a broker's absence left behind; sending twice is harmless, tasks claim their work."""
    engine = get_engine(settings.resolved_database_url)
    with reading(engine) as session:
        rows = outbox.fetch_unsent(session, utc_now())
    return sum(_send(engine, row) for row in rows)


def _send(engine: Engine, row: Outbox) -> bool:
    try:
        celery_app.send_task(row.task, args=[row.object_id], retry=False, priority=row.priority)
    except (OperationalError, RedisError, OSError) as error:
        names = {"task": row.task, "object_id": row.object_id}
        log.warning("broker unreachable, the outbox keeps the task", **names, error=str(error))
        return False
    try:
        with transaction(engine) as session:
            outbox.delete_message(session, row.id)
    except SQLAlchemyError as error:  # what called for the task is committed, and must not be answered as failed
        log.warning("a task was sent and stays in the outbox: it goes out once more", task=row.task, error=str(error))
    return True
