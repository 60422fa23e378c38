"""What can happen to a platform in the middle of its work: one function a fault, and one line in the table."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
import pytest
from sqlalchemy import create_engine, select, text

from core.db.models.submissions import Evaluation, Shard
from core.db.session import reading
from core.domain.submission import Status
from core.domain.work import WorkState
from core.jobs import RUN_SHARD, SCORE, celery_app
from tests.integration.chaos.machines import JANITOR, WORKERS, Machines, wait_until

WHOLE = bool(os.environ.get("LACUNA_CHAOS"))  # `make chaos`; otherwise the rows that `make test` has time for
AWAY_SECONDS = 5.0  # longer than a lease
COPIES, MOST_REPEATED = 5, 20  # of each of the newest messages
AN_HOUR = 3600
SQLITE, POSTGRES = ("sqlite",), ("postgresql",)


@dataclass(frozen=True)
class Fault:
    name: str
    inject: Callable[[Machines], None]
    prepare: Callable[[Machines], None] | None = None  # before anything is submitted
    at_once: bool = False  # not in the middle of a shard but as soon as all is submitted
    database: str = ""  # the only one that it is tried on; the others have no part in it
    always: tuple[str, ...] = ()  # databases on which `make test` tries it too

    @property
    def entries(self) -> int:
        """Of what is submitted: enough for both workers to receive a message, where that is what the fault is about."""
        return 2 if WHOLE or self.at_once else 1

    def __str__(self) -> str:
        return self.name


def do_nothing(machines: Machines) -> None:
    return


def freeze_pools(machines: Machines) -> None:
    """Workers receive messages and act on none."""
    for name in WORKERS:
        for process in machines.list_family(name)[1:]:
            process.suspend()


def kill_workers_that_received(machines: Machines) -> None:
    wait_until(lambda: machines.broker.count_received() >= len(WORKERS), "both workers have received a message")
    for name in WORKERS:
        machines.kill(name)
    machines.complete()


def kill_worker(machines: Machines) -> None:
    machines.kill(find_busy(machines))
    machines.complete()


def kill_child(machines: Machines) -> None:
    """Only the process that works; its parent goes on."""
    machines.list_family(find_busy(machines))[1].kill()


def freeze_worker(machines: Machines) -> None:
    """It wakes after another has taken over what it holds."""
    name = find_busy(machines)
    machines.signal_family(name, signal.SIGSTOP)
    held = list_shards(machines, worker=name)
    wait_until(lambda: not held & list_shards(machines, worker=name), "its leases have run out")
    machines.signal_family(name, signal.SIGCONT)


def replace_worker(machines: Machines) -> None:
    """It ends what it holds while another already works in its place."""
    name = find_busy(machines)
    leaving = machines.terminate(name)
    machines.start(name)
    leaving.wait()


def flush_broker(machines: Machines) -> None:
    machines.broker.forget_everything()
    for name in WORKERS:
        machines.signal_family(name, signal.SIGCONT)


def delay_messages(machines: Machines) -> None:
    """They arrive when the janitor's reminders have long brought the work to somebody."""
    held = machines.broker.take_away()
    for name in WORKERS:
        machines.signal_family(name, signal.SIGCONT)
    time.sleep(AWAY_SECONDS)
    machines.broker.bring_back(held)


def sicken_node(machines: Machines) -> None:
    """One of the two fails at once at everything, as a machine whose GPU fell off does."""
    machines.kill(WORKERS[0])
    machines.start(WORKERS[0], device="cuda")


def restart_broker(machines: Machines) -> None:
    machines.broker.kill()
    machines.broker.start()


def stop_postgres(machines: Machines) -> None:
    assert machines.postgres is not None
    machines.postgres.stop("immediate")
    time.sleep(AWAY_SECONDS)
    machines.postgres.start()


def drop_connections(machines: Machines) -> None:
    """Again and again: whatever was under way in them is lost."""
    drop = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    engine = create_engine(machines.settings.resolved_database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for _ in range(COPIES):
            connection.execute(drop)
            time.sleep(AWAY_SECONDS / COPIES)
    engine.dispose()


def lock_database(machines: Machines) -> None:
    """Somebody else writes to the file for a while."""
    engine = create_engine(machines.settings.resolved_database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        time.sleep(AWAY_SECONDS)
        connection.exec_driver_sql("ROLLBACK")
    engine.dispose()


def kill_boxes(machines: Machines) -> None:
    wait_until(lambda: _kill(machines.list_boxes()), "a box was killed")


def kill_replicas(machines: Machines) -> None:
    wait_until(lambda: _kill(machines.list_replicas()), "a replica was killed")


def hide_store(machines: Machines) -> None:
    """As a network disk that is gone: the folder in which it was mounted is empty."""
    with _store_away(machines):
        time.sleep(AWAY_SECONDS)


def hide_store_from_scoring(machines: Machines) -> None:
    with _store_away(machines, when=Status.SCORING):
        time.sleep(AWAY_SECONDS)


def fill_disk(machines: Machines) -> None:
    if not machines.has_own_disk:
        pytest.skip("only root may mount the small disk that is to be filled")
    ballast = machines.settings.data_folder / "ballast"
    with open(ballast, "wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(1 << 16))
    time.sleep(AWAY_SECONDS)
    ballast.unlink()


def set_clocks(machines: Machines) -> None:
    for name, ahead in zip(WORKERS, (AN_HOUR, -AN_HOUR), strict=True):
        machines.kill(name)
        machines.start(name, ahead=ahead)


def repeat_messages(machines: Machines) -> None:
    """Every message of every evaluation, also those whose time has not come, in any order."""
    with reading(machines.engine) as session:
        messages = [(RUN_SHARD, shard_id) for shard_id in session.scalars(select(Shard.id))]
        messages += [(SCORE, evaluation_id) for evaluation_id in session.scalars(select(Evaluation.id))]
    newest = messages[-MOST_REPEATED:] * COPIES
    random.Random(5).shuffle(newest)
    for task, object_id in newest:
        celery_app.send_task(task, args=[object_id], retry=False)


def add_janitors(machines: Machines) -> None:
    for number in (2, 3):
        machines.start(f"{JANITOR}-{number}")


FAULTS = (
    Fault("nothing", do_nothing),
    Fault(
        "workers killed with messages received", kill_workers_that_received, freeze_pools, at_once=True, always=POSTGRES
    ),
    Fault("worker killed with all it started", kill_worker),
    Fault("a worker's child killed", kill_child, database="sqlite"),
    Fault("worker frozen for longer than its lease", freeze_worker),
    Fault("worker ended by SIGTERM, another started", replace_worker, database="sqlite"),
    Fault("broker forgets all messages (FLUSHALL)", flush_broker, freeze_pools, at_once=True, always=SQLITE),
    Fault("broker killed and started", restart_broker, always=POSTGRES),
    Fault("messages delivered late", delay_messages, freeze_pools, at_once=True, always=POSTGRES),
    Fault("one of two nodes fails at everything", do_nothing, sicken_node, at_once=True, always=POSTGRES),
    Fault("database stopped and started", stop_postgres, database="postgresql", always=POSTGRES),
    Fault("database connections dropped", drop_connections, database="postgresql"),
    Fault("database locked by another", lock_database, database="sqlite", always=SQLITE),
    Fault("sandboxes killed from outside", kill_boxes, database="sqlite"),
    Fault("replicas killed from outside", kill_replicas, database="sqlite"),
    Fault("store away", hide_store),
    Fault("store away while scores are computed", hide_store_from_scoring, database="sqlite"),
    Fault("disk full", fill_disk, always=POSTGRES),
    Fault("clocks an hour ahead and behind, one killed", kill_worker, set_clocks, always=POSTGRES),
    Fault("messages repeated in any order", repeat_messages, always=POSTGRES),
    Fault("three janitors, a worker killed", kill_worker, add_janitors),
)


def find_busy(machines: Machines) -> str:
    """A worker in the middle of a shard."""
    return next(name for name in WORKERS if list_shards(machines, worker=name))


def list_shards(machines: Machines, *, worker: str) -> set[str]:
    with reading(machines.engine) as session:
        query = select(Shard.id).where(Shard.state == WorkState.LEASED, Shard.worker == worker)
        return set(session.scalars(query))


def is_in_the_middle(machines: Machines) -> bool:
    """A worker is at the replicas after the canary, with some of them done and some to do."""
    begun = (Shard.state == WorkState.LEASED, Shard.position > 0, Shard.finished_replicas > 0)
    with reading(machines.engine) as session:
        query = select(Shard.id).join(Evaluation).where(Evaluation.status == Status.RUNNING, *begun)
        return session.scalars(query).first() is not None


def _kill(processes: Iterator[psutil.Process]) -> int:
    found = list(processes)
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return len(found)


@contextmanager
def _store_away(machines: Machines, when: Status | None = None) -> Iterator[None]:
    store = machines.settings.store_folder
    wait_until(lambda: when is None or _has_status(machines, when), f"an evaluation is {when}")
    away = store.rename(store.with_name("away"))
    store.mkdir()
    yield
    store.rmdir()  # fails if somebody wrote where nothing lasts
    away.rename(store)


def _has_status(machines: Machines, status: Status) -> bool:
    with reading(machines.engine) as session:
        return session.scalars(select(Evaluation.id).where(Evaluation.status == status)).first() is not None
