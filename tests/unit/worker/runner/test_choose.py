from collections.abc import Callable, Collection

import pytest
from pydantic import ValidationError

from core.domain.errors import PlatformFault
from core.settings import Settings
from worker.runner.base import ReplicaResult, RunRequest, RunResult
from worker.runner.choose import AUTO_ORDER, choose_sandbox, list_sandboxes, pick_sandbox
from worker.runner.docker import DockerOptions, DockerSandbox, docker_args
from worker.runner.guest import PROBE_LIMITS
from worker.runner.process import ProcessSandbox


class FakeSandbox:
    def __init__(self, name: str, obstacle: str | None) -> None:
        self.name, self._obstacle = name, obstacle

    def find_obstacle(self) -> str | None:
        return self._obstacle

    def run(self, request: RunRequest, *, on_replica: Callable[[ReplicaResult], bool]) -> RunResult:
        raise NotImplementedError

    def kill_orphans(self, find_live: Callable[[], Collection[str]]) -> None:
        raise NotImplementedError


def test_the_first_that_can_run_is_taken() -> None:
    choices = [FakeSandbox("a", "no engine"), FakeSandbox("b", None), FakeSandbox("c", None)]
    assert pick_sandbox(choices).name == "b"


def test_if_none_can_the_last_obstacle_is_told() -> None:
    with pytest.raises(PlatformFault, match="install it"):
        pick_sandbox([FakeSandbox("a", "no engine"), FakeSandbox("b", "install it")])


def test_an_unknown_name_is_one_readable_line() -> None:
    with pytest.raises(PlatformFault, match="no sandbox is named 'chroot'; there are: auto, docker, bubblewrap"):
        choose_sandbox(Settings(sandbox="chroot"))


def test_auto_never_means_no_sandbox() -> None:
    assert "process" not in AUTO_ORDER


def test_process_is_refused_in_production() -> None:
    assert choose_sandbox(Settings(sandbox="process")).name == "process"
    with pytest.raises(PlatformFault, match="tests only"):
        choose_sandbox(Settings(sandbox="process", production=True))


def test_a_refused_process_sandbox_does_not_run_either() -> None:
    with pytest.raises(RuntimeError, match="tests only"):
        ProcessSandbox(allow=False).run(None, on_replica=lambda _: True)  # type: ignore[arg-type]


def test_every_sandbox_is_listed_under_its_own_name() -> None:
    assert all(sandbox.name == name for name, sandbox in list_sandboxes(Settings()).items())


def test_the_engines_runtime_is_a_setting() -> None:
    docker = list_sandboxes(Settings(sandbox_runtime="runsc"))["docker"]
    assert isinstance(docker, DockerSandbox)
    args = docker_args(PROBE_LIMITS, label="a", name="b", options=docker.options)
    assert args[args.index("--runtime") + 1] == "runsc"
    assert "--runtime" not in docker_args(PROBE_LIMITS, label="a", name="b", options=DockerOptions())


@pytest.mark.parametrize("name", ["--privileged", "a b", "/bin/sh"])
def test_a_runtime_is_a_name_and_nothing_else(name: str) -> None:
    with pytest.raises(ValidationError):
        Settings(sandbox_runtime=name)
