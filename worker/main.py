"""Celery's entry point: `celery -A worker.main worker`."""

from celery.signals import worker_init

from core.jobs import celery_app
from core.logs import configure_logging
from evaluator.warm_up import warm_up
from worker import tasks

configure_logging()


@worker_init.connect
def compile_kernels(**_: object) -> None:
    """Before the pool is forked, so that its processes share the machine code and no score waits for it."""
    warm_up()


__all__ = ["celery_app", "tasks"]
