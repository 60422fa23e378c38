"""Which boxes of Docker the janitor removes."""

from subprocess import CompletedProcess

import pytest

from worker.runner.docker import DockerOptions, DockerSandbox


def test_a_box_that_begins_while_boxes_are_listed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    live, removed = {"lacuna-old-1"}, list[str]()

    def run(command: str, *arguments: str) -> CompletedProcess[bytes]:
        if command == "rm":
            removed.append(arguments[-1])
            return CompletedProcess([], 0, b"", b"")
        live.add("lacuna-new-1")  # claimed, and its box begun, just before the engine looked
        return CompletedProcess([], 0, b"a\tlacuna-old-1\nb\tlacuna-gone-1\nc\tlacuna-new-1\n", b"")

    monkeypatch.setattr("worker.runner.docker.run_docker", run)
    DockerSandbox(DockerOptions()).kill_orphans(lambda: set(live))
    assert removed == ["b"]
