"""What a janitor does again and again, and its word that it does."""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from core.db.base import utc_now
from core.db.queries import turns
from core.db.session import reading, transaction
from core.domain.duties import Duty
from core.settings import Settings

log = structlog.get_logger()
WRITE_SECONDS = 5.0  # of janitors that turn faster, or of several, whoever comes first writes
FAULT_CHARACTERS = 300


def repeat(
    over: threading.Event, settings: Settings, engine: Engine, duty: Duty, every_seconds: float, act: Callable[[], None]
) -> None:
    """Until told that it is over; whatever a turn fails at, the next one comes."""
    while not over.wait(every_seconds):
        fault = ""
        try:
            act()
        except Exception as error:
            log.exception("a janitor's turn failed, trying again", duty=duty)
            fault = _describe(error)
        report_turn(settings, engine, duty, every_seconds, fault)


def report_turn(settings: Settings, engine: Engine, duty: Duty, every_seconds: float, fault: str) -> None:
    """Write that a turn was done, and how it ended; a database that is away says so itself."""
    now = utc_now()
    try:
        with reading(engine) as session:
            known = next(each for each in turns.fetch_turns(session) if each.duty is duty)
        is_fresh = known.tried_at is not None and (now - known.tried_at).total_seconds() < WRITE_SECONDS
        if is_fresh and known.fault == fault:
            return
        with transaction(engine) as session:
            turns.record_turn(session, duty, now, node=settings.node_name, every_seconds=every_seconds, fault=fault)
    except SQLAlchemyError:
        log.warning("a janitor's turn could not be recorded", duty=duty, exc_info=True)


def _describe(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"[:FAULT_CHARACTERS]
