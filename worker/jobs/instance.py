"""One node's name is one worker's: a second one that takes it up is noticed, and touches nothing.

The node's row says which start of which worker writes it. A name is free when it was given back, when its holder has
been silent for so long that it counts as gone, or when the holder's process is known to have ended.
"""

import os
import time
from datetime import datetime

import structlog
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.operations import Node
from core.db.queries import nodes
from core.db.session import transaction
from core.domain.errors import PlatformFault
from core.domain.operations import SILENT_AFTER
from worker.jobs.machine import MACHINE, find_start

log = structlog.get_logger()
LOOK_SECONDS = 1.0
_LEFT = "left "
PARENT = os.getpid()  # of the worker's processes: they are forked after this was read
INSTANCE = f"{MACHINE} {PARENT} {find_start(PARENT)}"


def take_name(engine: Engine, name: str, instance: str = INSTANCE) -> None:
    """Wait until a node's name is free, and take it; raises PlatformFault while another worker that lives has it."""
    seen: datetime | None = None
    while True:
        with transaction(engine) as session:
            row = nodes.lock_node(session, name)
            if row is None:
                return  # the first report writes it
            if is_free(row, instance, utc_now()):
                row.instance = instance
                return
            lives = _is_known_to_live(row.instance) or (seen is not None and row.last_seen_at > seen)
            seen, age = row.last_seen_at, (utc_now() - row.last_seen_at).total_seconds()
        if lives:
            raise PlatformFault(
                f"another worker is the node {name!r}, and reported {age:.0f} s ago: give this one a LACUNA_NODE_NAME"
            )
        log.info(
            "the node's name was just in use: waiting whether its holder reports again", node=name, seconds_ago=age
        )
        time.sleep(LOOK_SECONDS)


def give_name_back(engine: Engine, name: str, instance: str = INSTANCE) -> None:
    """Whoever comes next need not wait; what is held is finished nevertheless."""
    with transaction(engine) as session:
        row = nodes.lock_node(session, name)
        if row is not None and row.instance == instance:
            row.instance = name_left(instance)


def name_left(instance: str) -> str:
    """What stands in the row once its holder was told to end."""
    return f"{_LEFT}{instance}"


def is_free(row: Node, instance: str, now: datetime) -> bool:
    """Whether a worker may report as this node."""
    holder = row.instance
    if holder in ("", instance) or holder.startswith(_LEFT) or now - row.last_seen_at > SILENT_AFTER:
        return True
    return _is_known_to_have_ended(holder)


def _is_known_to_live(instance: str) -> bool:
    machine, process, start = instance.rsplit(" ", 2)
    return machine == MACHINE and find_start(int(process)) == start


def _is_known_to_have_ended(instance: str) -> bool:
    machine, process, start = instance.rsplit(" ", 2)
    return machine == MACHINE and find_start(int(process)) != start
