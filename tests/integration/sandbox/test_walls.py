"""What a replica can reach: itself, its scratch folder, and nothing that outlives it."""

import dataclasses
import json

import pytest

from sandbox.contract import Outcome
from tests.integration.sandbox.runs import DOCKER, LIMITS, UNTIDY, Reports, read_cases, run_one

ALLOWED_VARIABLES = {
    "HOME",
    "HOSTNAME",
    "KMP_DUPLICATE_LIB_OK",
    "KMP_INIT_AT_FORK",
    "LANG",
    "LC_CTYPE",
    "MKL_NUM_THREADS",
    "MPLBACKEND",
    "MPLCONFIGDIR",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PATH",
    "PWD",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "TMPDIR",
    "TORCHINDUCTOR_CACHE_DIR",
    "USER",
    "XDG_CACHE_HOME",
    "PIP_ROOT_USER_ACTION",
    "PIP_DISABLE_PIP_VERSION_CHECK",
}
REFUSALS = {1, 22, 38}  # not permitted; no such user in this namespace; no such call
DEVICES = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "console")}


def test_no_family_of_sockets_leads_anywhere(walled: Reports) -> None:
    attempts = json.loads(walled("network").log)
    assert len(attempts) == 13
    assert [name for name, answer in attempts.items() if not answer.startswith("refused")] == []


def test_dangerous_system_calls_are_refused(walled: Reports) -> None:
    attempts = json.loads(walled("system_calls").log)
    assert len(attempts) == 38
    assert [name for name, error in attempts.items() if error not in REFUSALS] == []


def test_only_scratch_and_shared_memory_can_be_written(walled: Reports) -> None:
    found = set(json.loads(walled("writable_places").log)) - DEVICES
    places = {place for place in found if not place.startswith("/proc/")}  # an engine masks some with /dev/null
    assert places <= {"/tmp", "/tmp/replica", "/dev/shm", "/dev/mqueue"}
    assert "/tmp/replica" in places


def test_neither_parent_nor_machine_can_be_read(walled: Reports) -> None:
    seen = json.loads(walled("spies").log)
    reads = {name: seen[name] for name in ("mem", "environ", "maps", "auxv", "fd", "cwd", "shadow", "home")}
    if "rootless" not in walled.backend:
        reads["syscall"] = seen["syscall"]
    else:  # one user for the whole box: the image has no other file to protect
        reads.pop("shadow")
    assert [name for name, answer in reads.items() if not answer.startswith("refused")] == []
    assert set(seen["root"]) & {"work", "root", "home", "etc"} <= {"root", "home", "etc"}


def test_the_environment_is_a_fixed_list(walled: Reports) -> None:
    assert set(json.loads(walled("spies").log)["environment"]) <= ALLOWED_VARIABLES


def test_a_replica_has_no_descriptors_but_its_own(walled: Reports) -> None:
    descriptors = json.loads(walled("spies").log)["descriptors"]
    assert len(descriptors) <= 5  # 0, 1, 2, the way back, and the folder being listed


@pytest.mark.parametrize("name", sorted(UNTIDY))
def test_nothing_of_a_replica_is_left_for_the_next(walled: Reports, name: str) -> None:
    seen = walled.look_after(name)
    assert [file for file in seen["files"] if not file.endswith("/submission.py")] == []
    assert set(seen["processes"]) == {seen["me"], seen["parent"], 1}  # itself, its keeper, and the first


def test_scratch_is_private_and_is_home(walled: Reports) -> None:
    seen = walled.look_after("leaves_things")
    assert seen["mode"] == "0o700"
    assert seen["same"] == [True, True]


def test_each_replica_is_a_user_of_its_own(walled: Reports) -> None:
    users = [walled.look_after(name)["uid"] for name in sorted(UNTIDY)]
    if walled.backend == "bubblewrap-rootless":
        assert set(users) == {1000}  # a plain user has one user to give; the kernel still shields the parent
    else:
        assert len(set(users)) >= len(users) - 1  # drawn at random from 40,000
        assert min(users) >= 20000
        assert walled.look_after("kills")["groups"] == []


@pytest.mark.parametrize("backend", ["bubblewrap", DOCKER])  # without a cgroup only each process is limited
def test_memory_of_children_together_is_limited(backend: str) -> None:
    limits = dataclasses.replace(LIMITS, wall_seconds=60.0)
    (result,) = run_one(backend, read_cases()["memory_hog_in_children"], limits=limits)
    assert "ended by signal 9" in result.log


def test_a_million_empty_files_stay_in_their_box(walled: Reports) -> None:
    assert walled("empty_files").outcome is Outcome.OUTPUT_LIMIT
