"""Celery's entry point: `celery -A worker.main worker`."""

from core.jobs import celery_app
from core.logs import configure_logging
from worker import tasks

configure_logging()

__all__ = ["celery_app", "tasks"]
