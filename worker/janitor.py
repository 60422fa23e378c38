"""The janitor's process: `python -m worker.janitor` sweeps again and again, broker or no broker, and sends messages."""

import signal
import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.domain.errors import ContestError
from core.logs import configure_logging
from core.settings import get_settings
from worker.jobs.context import make_context
from worker.jobs.starting import check_surroundings
from worker.jobs.sweep import sweep
from worker.messages.delivery import deliver_until
from worker.runner.choose import choose_sandbox

log = structlog.get_logger()
COURIER_SECONDS = 5.0  # a message that is cut off goes out again


def main() -> None:
    configure_logging()
    try:
        settings = get_settings()
        check_surroundings(settings)
        context = make_context(settings, choose_sandbox(settings), is_quiet=False)
    except ContestError as error:
        raise SystemExit(f"lacuna janitor: {error.message}") from None
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    courier = threading.Thread(target=deliver_until, args=(over, settings, context.engine), daemon=True)
    courier.start()
    while not over.wait(settings.sweep_seconds):
        try:
            sweep(context)
        except (ContestError, SQLAlchemyError, OSError):
            log.exception("sweep failed, trying again")
    courier.join(COURIER_SECONDS)


if __name__ == "__main__":
    main()
