"""Celery's entry point: `celery -A worker.main worker`."""

from celery.signals import celeryd_init, worker_init, worker_process_init

from core.jobs import celery_app
from core.logs import configure_logging
from core.settings import get_settings
from evaluator.warm_up import warm_up
from worker import tasks
from worker.jobs.node import start_beat

configure_logging()


@worker_init.connect
def compile_kernels(**_: object) -> None:
    """Before the pool is forked, so that its processes share the machine code and no score waits for it."""
    warm_up()


@celeryd_init.connect
def remember_name(sender: str, **_: object) -> None:
    celery_app.conf.lacuna_hostname = sender


@worker_process_init.connect
def report_node(**_: object) -> None:
    """After the fork, in every process: threads and database connections do not survive one."""
    start_beat(get_settings(), str(celery_app.conf.lacuna_hostname))


__all__ = ["celery_app", "tasks"]
