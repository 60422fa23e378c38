"""The janitor's process: `python -m worker.janitor` sweeps again and again, broker or no broker."""

import signal
import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.domain.errors import ContestError
from core.logs import configure_logging
from core.settings import get_settings
from worker.context import make_context
from worker.sweep import sweep

log = structlog.get_logger()


def main() -> None:
    configure_logging()
    settings = get_settings()
    context = make_context(settings)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    while not over.wait(settings.sweep_seconds):
        try:
            sweep(context)
        except (ContestError, SQLAlchemyError, OSError):
            log.exception("sweep failed, trying again")


if __name__ == "__main__":
    main()
