"""The services that other tests stand on are real and separate."""

import pytest
import redis
from sqlalchemy import create_engine, text

pytestmark = pytest.mark.integration


def test_the_postgres_database_is_empty_and_writable(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).scalar() == 0
        connection.execute(text("CREATE TABLE t (x integer)"))
    engine.dispose()


def test_the_broker_is_empty_and_answers(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        assert client.ping() is True


def test_a_connection_that_leaves_the_machine_is_refused() -> None:
    import socket

    with socket.socket() as probe, pytest.raises(PermissionError, match="tests stay on this machine"):
        probe.connect(("192.0.2.1", 80))
