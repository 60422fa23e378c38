"""No sandbox at all: the guest as a plain child process, for tests and debugging. It isolates nothing."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from core.domain.promises import Promise
from worker.runner.base import ReplicaResult, RunRequest, RunResult
from worker.runner.box import ProcessBox
from worker.runner.guest import GUEST_ENV, GUEST_MODULE
from worker.runner.supervisor import supervise

REPOSITORY = Path(__file__).resolve().parents[2]


def process_env(folder: str) -> dict[str, str]:
    """The few variables the guest gets; nothing of the host's own environment."""
    return {
        **GUEST_ENV,
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(REPOSITORY),
        "HOME": folder,
        "TMPDIR": folder,
        "MPLCONFIGDIR": folder,
    }


class _FolderBox(ProcessBox):
    def __init__(self, folder: str) -> None:
        self._folder = folder
        argv = [sys.executable, "-s", "-P", "-m", GUEST_MODULE]
        super().__init__(argv, env=process_env(folder), writable=(folder,))

    def close(self) -> None:
        super().close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def was_ended_from_outside(self) -> bool:
        return False  # what runs in it may kill its parent


class ProcessSandbox:
    """Tests only; refuses to run unless it was allowed by name."""

    name = "process"
    promises: frozenset[Promise] = frozenset()

    def __init__(self, *, allow: bool) -> None:
        self._allow = allow

    def find_obstacle(self) -> str | None:
        if not self._allow:
            return "the process sandbox isolates nothing and is for tests only; use docker or bubblewrap"
        return None if os.name == "posix" else "the process sandbox needs a POSIX system"

    def identify(self) -> str:
        return self.name

    def run(self, request: RunRequest, *, on_replica: Callable[[ReplicaResult], bool]) -> RunResult:
        obstacle = self.find_obstacle()
        if obstacle is not None:
            raise RuntimeError(obstacle)
        return supervise(
            request,
            name=self.name,
            open_box=lambda: _FolderBox(tempfile.mkdtemp(prefix="lacuna-process-")),
            on_replica=on_replica,
        )

    def kill_orphans(self, find_live: Callable[[], Collection[str]]) -> None:
        """A box ends when its worker's pipe does; nothing stays behind."""
