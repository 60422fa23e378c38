"""A node's name belongs to one worker at a time; who comes second touches nothing."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect

from core.db.base import utc_now
from core.db.models.operations import Node
from core.db.queries import nodes
from core.db.session import reading, transaction
from core.domain.errors import PlatformFault
from core.domain.operations import SILENT_AFTER
from tests import factories
from tests.database import make_database
from worker.jobs import instance as instance_module
from worker.jobs.instance import INSTANCE, MACHINE, give_name_back, take_name

ELSEWHERE = "another-boot pid:[1] 7 1234"
NEW = f"{MACHINE} 999999999 5"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_database(tmp_path)


@pytest.fixture
def process() -> Iterator[int]:
    """Another one on this machine, that lives until it is killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        yield other.pid
        other.kill()


def hold(engine: Engine, instance: str, *, seconds_ago: float = 4.0) -> None:
    with transaction(engine) as session:
        factories.make_node(session, "one", instance=instance, last_seen_at=utc_now() - timedelta(seconds=seconds_ago))


def fetch(engine: Engine) -> dict[str, object]:
    with reading(engine) as session:
        row = nodes.fetch_node(session, "one")
        return {column.key: getattr(row, column.key) for column in inspect(Node).columns}


def name_process(process: int) -> str:
    return f"{MACHINE} {process} {instance_module.find_start(process)}"


def test_a_second_worker_of_one_name_is_refused_in_one_line_and_changes_nothing(engine: Engine, process: int) -> None:
    hold(engine, name_process(process))
    before = fetch(engine)
    with pytest.raises(PlatformFault, match=r"^another worker is the node 'one', and reported 4 s ago: .*NODE_NAME$"):
        take_name(engine, "one", NEW)
    assert fetch(engine) == before


def test_a_worker_that_crashed_here_is_followed_at_once(engine: Engine, process: int) -> None:
    former = name_process(process)
    hold(engine, former.rsplit(" ", 1)[0] + " 1")  # its number is another process's now
    take_name(engine, "one", NEW)
    assert fetch(engine)["instance"] == NEW


def test_a_worker_elsewhere_that_reports_again_keeps_its_name(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(engine, ELSEWHERE)

    def report(_seconds: float) -> None:
        with transaction(engine) as session:
            session.get_one(Node, "one").last_seen_at = utc_now()

    monkeypatch.setattr(instance_module.time, "sleep", report)
    with pytest.raises(PlatformFault, match="another worker is the node"):
        take_name(engine, "one", NEW)
    assert fetch(engine)["instance"] == ELSEWHERE


def test_a_worker_elsewhere_that_crashed_is_followed_once_it_was_silent(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(engine, ELSEWHERE)
    waits = []

    def pass_time(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            monkeypatch.setattr(instance_module, "utc_now", lambda: utc_now() + SILENT_AFTER)

    monkeypatch.setattr(instance_module.time, "sleep", pass_time)
    take_name(engine, "one", NEW)
    assert (len(waits), fetch(engine)["instance"]) == (3, NEW)


def test_a_name_that_was_given_back_is_free_at_once(engine: Engine, process: int) -> None:
    holder = name_process(process)
    hold(engine, holder)
    give_name_back(engine, "one", NEW)  # not its own
    assert fetch(engine)["instance"] == holder
    give_name_back(engine, "one", holder)
    take_name(engine, "one", NEW)
    assert fetch(engine)["instance"] == NEW


def test_a_name_that_nobody_had_is_left_to_the_first_report(engine: Engine) -> None:
    take_name(engine, "one", NEW)
    with reading(engine) as session:
        assert nodes.fetch_node(session, "one") is None


def test_this_process_knows_itself(engine: Engine) -> None:
    hold(engine, INSTANCE)
    assert instance_module._is_known_to_live(INSTANCE)
    take_name(engine, "one")
