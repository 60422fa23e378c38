"""A PostgreSQL server of the machine's own packages, which a test may stop and start."""

import os
import pwd
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.ports import find_free_port

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)


@dataclass
class Postgres:
    """Lives in a folder that everybody may enter; `start` after `make`, as often as it was stopped."""

    folder: Path
    port: int = field(default_factory=find_free_port)
    _identity: dict[str, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://lacuna@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            try:
                owner = pwd.getpwnam("postgres")
            except KeyError:
                pytest.skip("PostgreSQL is installed, but root cannot run it and there is no user `postgres`")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._identity = {"user": owner.pw_uid, "group": owner.pw_gid}
        self._run([str(BINARIES[0].with_name("initdb")), "-U", "lacuna", "--auth=trust", "-N"])

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c fsync=off"
        self._run([str(BINARIES[0]), "-w", "-o", options, "-l", str(self.folder / "log"), "start"])

    def add_database(self, name: str) -> str:
        """The URL of an empty one beside the server's own."""
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def stop(self, mode: str = "fast") -> None:
        self._run([str(BINARIES[0]), "-m", mode, "stop"])

    def _run(self, command: list[str]) -> None:
        where: dict[str, Any] = {"cwd": self.folder, "env": {**os.environ, "PGDATA": str(self.folder / "data")}}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, extra_groups=[], **where, **self._identity)
