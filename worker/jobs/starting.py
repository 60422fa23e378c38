"""What is looked at before a worker or a janitor touches anything: the broker, the database, the node's name."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

from core.broker import check_broker
from core.db.migrate import check_revision, explain_unopened
from core.db.session import get_engine
from core.settings import Settings
from worker.jobs.instance import take_name

log = structlog.get_logger()


def check_surroundings(settings: Settings) -> None:
    """Raise PlatformFault, in one line, if broker or database are not ours; what is away may come later."""
    check_broker(settings.resolved_broker_url)
    engine = get_engine(settings.resolved_database_url)
    with _may_come_later(engine):
        check_revision(engine)


def take_node(settings: Settings) -> None:
    """Raise PlatformFault, in one line, while another worker has this one's name."""
    engine = get_engine(settings.resolved_database_url)
    with _may_come_later(engine):
        take_name(engine, settings.node_name)
    engine.dispose()  # no connection is shared with the processes that are forked next


@contextmanager
def _may_come_later(engine: Engine) -> Iterator[None]:
    """A database that is away, or has no tables yet; what is none will not become one."""
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        log.warning("the database does not answer yet", error=str(error.orig).splitlines()[0])
    except DatabaseError as error:
        raise explain_unopened(engine.url, error) from None
