"""A worker's process says which node it is of and that it lives, and learns whether the node is to take no more."""

import os
import signal
import threading
import time
from dataclasses import dataclass

import structlog
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from core.db.base import utc_now
from core.db.models.operations import Node
from core.db.queries import nodes
from core.db.session import get_engine, reading, transaction
from core.domain.errors import ContestError
from core.domain.promises import Trial, dump_trials
from core.jobs import BUILD_CHUNK, QUEUES, RUN_SHARD, celery_app
from core.settings import Settings
from core.version import find_version
from worker.jobs.checking import check_node
from worker.jobs.instance import INSTANCE, PARENT, is_free, name_left

log = structlog.get_logger()
BEAT_SECONDS = 5.0
LOOK_SECONDS = 60.0
STARTED_AT = utc_now()  # of the worker: its processes are forked after this was read
DRAINED_QUEUES = (QUEUES[RUN_SHARD], QUEUES[BUILD_CHUNK])  # what is in the queue of scores takes seconds and goes on


@dataclass(slots=True)
class NodeBeat:
    """One a process; those of one node share a row, and whoever comes first within a beat writes it."""

    settings: Settings
    engine: Engine
    hostname: str  # of the Celery worker, to tell it which queues to leave alone
    instance: str = INSTANCE
    sandbox: str = ""
    fault: str = ""
    trials: tuple[Trial, ...] = ()
    _looked_at: float = 0.0
    _was_halted: bool = False
    _has_yielded: bool = False

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="node-beat").start()

    def look_for_sandbox(self) -> None:
        """Choose as this process will for its first shard; what stands in the way is what staff read."""
        self._looked_at = time.monotonic()
        try:
            checked = check_node(self.settings)
        except ContestError as error:
            self.sandbox, self.fault, self.trials = "", error.message, ()
        else:
            self.trials, self.fault = checked.trials, checked.fault
            self.sandbox = "" if checked.fault else checked.sandbox.name

    def beat(self) -> None:
        """Write the row unless another process just has, and obey what staff wrote into it."""
        now = utc_now()
        with reading(self.engine) as session:
            row = nodes.fetch_node(session, self.settings.node_name)
            is_fresh = row is not None and (now - row.last_seen_at).total_seconds() < BEAT_SECONDS / 2
            is_ours = row is not None and row.instance == self.instance
            halted = row is not None and (row.draining_since is not None or nodes.is_resting(row, now))
        if not (is_fresh and is_ours):
            self._write()
        if halted != self._was_halted:
            self._obey(halted)
            self._was_halted = halted

    def _write(self) -> None:
        settings = self.settings
        with transaction(self.engine) as session:
            row = nodes.lock_node(session, settings.node_name)
            if row is not None and row.instance == name_left(self.instance):
                return  # the worker was told to end, and another may take its place
            if row is not None and not is_free(row, self.instance, utc_now()):
                self._yield_name()
                return
            row = row or Node(name=settings.node_name)
            row.instance = self.instance
            row.node_class, row.device, row.workers = settings.node_class, settings.device, settings.workers
            row.sandbox, row.fault, row.version = self.sandbox, self.fault, find_version()
            row.promises = dump_trials(self.trials)
            row.started_at, row.last_seen_at = STARTED_AT, utc_now()
            nodes.store_node(session, row)

    def _yield_name(self) -> None:
        """Two workers of one name would hide each other's state: this one ends what it holds, and ends."""
        if not self._has_yielded:
            log.error("another worker has this node's name, so this one ends", node=self.settings.node_name)
            self._has_yielded = True
            if os.getppid() == PARENT:  # an orphan has nobody to tell
                os.kill(PARENT, signal.SIGTERM)

    def _obey(self, halted: bool) -> None:
        """Stop, or start again, taking messages; a message that came meanwhile is put off where it would be claimed."""
        log.info("node takes nothing more" if halted else "node works again", node=self.settings.node_name)
        act = celery_app.control.cancel_consumer if halted else celery_app.control.add_consumer
        for queue in DRAINED_QUEUES:
            act(queue, destination=[self.hostname])

    def _run(self) -> None:
        while True:
            if not self.sandbox or time.monotonic() - self._looked_at > LOOK_SECONDS:
                self.look_for_sandbox()  # somebody may be setting it up, or have made its image anew
            try:
                self.beat()
            except (SQLAlchemyError, OperationalError, RedisError, OSError):
                log.warning("node could not report, trying again", exc_info=True)
            time.sleep(BEAT_SECONDS)


def start_beat(settings: Settings, hostname: str) -> NodeBeat:
    beat = NodeBeat(settings, get_engine(settings.resolved_database_url), hostname)
    beat.start()
    return beat
