"""Celery's entry point: `celery -A worker.main worker`."""

import threading

import structlog
from celery.signals import celeryd_init, worker_init, worker_process_init, worker_shutting_down
from sqlalchemy.exc import SQLAlchemyError

from core.db.session import get_engine
from core.domain.errors import ContestError
from core.jobs import celery_app
from core.logs import configure_logging
from core.settings import get_settings
from evaluator.warm_up import warm_up
from worker import tasks
from worker.jobs.instance import give_name_back
from worker.jobs.node import start_beat
from worker.jobs.starting import check_surroundings, take_node

configure_logging()
log = structlog.get_logger()


@worker_init.connect
def compile_kernels(**_: object) -> None:
    """Before the pool is forked, so that its processes share the machine code and no score waits for it."""
    warm_up()


@celeryd_init.connect
def begin(sender: str, **_: object) -> None:
    """Before anything is touched: what is wrong is said in one line, without a traceback."""
    celery_app.conf.lacuna_hostname = sender
    try:
        settings = get_settings()
        check_surroundings(settings)
        take_node(settings)
    except ContestError as error:
        raise SystemExit(f"lacuna worker: {error.message}") from None


@worker_process_init.connect
def report_node(**_: object) -> None:
    """After the fork, in every process: threads and database connections do not survive one."""
    start_beat(get_settings(), str(celery_app.conf.lacuna_hostname))


@worker_shutting_down.connect
def leave_name(**_: object) -> None:
    """In a thread: this is called within a signal, and the database may make it wait."""
    threading.Thread(target=_leave_name, name="leave-name").start()


def _leave_name() -> None:
    settings = get_settings()
    try:
        give_name_back(get_engine(settings.resolved_database_url), settings.node_name)
    except SQLAlchemyError:
        log.warning("the node's name could not be given back: who takes it next waits until it was silent")


__all__ = ["celery_app", "tasks"]
