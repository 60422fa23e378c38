"""The self-check in real boxes: it finds nothing in ours, and finds what somebody took away."""

import json

import pyseccomp
import pytest

from core.domain.promises import Finding, Promise, Trial, explain_refusal
from tests.integration.sandbox.runs import WALLED, make_sandbox
from worker.runner import bubblewrap, seccomp
from worker.runner.docker import DockerOptions, DockerSandbox, run_docker
from worker.runner.trials import try_promises


def list_found(trials: tuple[Trial, ...], finding: Finding) -> set[Promise]:
    return {trial.promise for trial in trials if trial.finding is finding}


@pytest.mark.parametrize("backend", WALLED)
def test_every_backend_keeps_what_it_promises(backend: str) -> None:
    sandbox = make_sandbox(backend)
    trials = try_promises(sandbox)
    assert [trial for trial in trials if trial.finding is Finding.BROKEN] == []
    assert list_found(trials, Finding.HELD) == sandbox.promises


@pytest.mark.integration
def test_every_other_runtime_of_the_engine_keeps_what_it_has_to() -> None:
    make_sandbox("docker")
    known = json.loads(run_docker("info", "--format", "{{json .Runtimes}}").stdout)
    for runtime in sorted({"runsc", "kata", "kata-runtime", "io.containerd.kata.v2"} & set(known)):
        trials = try_promises(DockerSandbox(DockerOptions(runtime=runtime)))
        assert explain_refusal(trials, runtime, production=True) == ""


def test_walls_that_were_taken_away_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    permissive = seccomp.export_program(pyseccomp.SyscallFilter(pyseccomp.ALLOW))
    namespaces = bubblewrap._namespaces

    def share(*, as_root: bool) -> list[str]:
        return [part for part in namespaces(as_root=as_root) if part != "--unshare-net"]

    monkeypatch.setattr(seccomp, "build_program", lambda: permissive)
    monkeypatch.setattr(bubblewrap, "_namespaces", share)
    monkeypatch.setattr(bubblewrap, "STAGE_BOX", bubblewrap.STAGE_BOX.replace("noexec,", ""))
    monkeypatch.setattr("worker.runner.supervisor.build_native_lock", lambda: permissive)
    found = list_found(try_promises(make_sandbox("bubblewrap")), Finding.BROKEN)
    wanted = {Promise.NETWORK, Promise.SYSTEM_CALLS, Promise.PROGRAMS, Promise.EXECUTABLE_MEMORY}
    assert {*wanted, Promise.EXECUTABLE_FILES} <= found
