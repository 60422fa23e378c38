"""The argument lists of the backends, read without starting anything."""

import dataclasses
from pathlib import Path

import pytest

from worker.runner.base import Limits
from worker.runner.bubblewrap import STAGE_BOX, Runtime, bwrap_args, find_runtime, stage_args
from worker.runner.docker import DockerOptions, docker_args, make_name
from worker.runner.guest import PROBE_LIMITS, SCRATCH, SCRATCH_LINKS

LIMITS = Limits(
    wall_seconds=1.0,
    memory_bytes=512 << 20,
    output_bytes=1 << 20,
    log_bytes=1,
    print_bytes=1,
    scratch_bytes=32 << 20,
    processes=20,
)
RUNTIME = Runtime("/opt/python/bin/python3.11", (("/home/someone/py", "/opt/python"),), "/opt/lacuna:/opt/site")


def make_docker(**changes: object) -> list[str]:
    options = dataclasses.replace(DockerOptions(), **changes)  # type: ignore[arg-type]
    return docker_args(LIMITS, label="lacuna-1-1", name="n", options=options)


def make_bwrap(*, as_root: bool) -> list[str]:
    return bwrap_args(program="bwrap", runtime=RUNTIME, seccomp_fd=9, as_root=as_root)


def has(arguments: list[str], *part: str) -> bool:
    return any(tuple(arguments[start : start + len(part)]) == part for start in range(len(arguments)))


def test_a_container_has_every_wall() -> None:
    arguments = make_docker()
    for part in (
        ("--network", "none"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--memory", str(512 << 20)),
        ("--memory-swap", str(512 << 20)),
        ("--pids-limit", "28"),
        ("--log-driver", "none"),
        ("--ipc", "private"),
        ("--pull", "never"),
        ("--ulimit", "core=0"),
    ):
        assert has(arguments, *part), part
    assert "--read-only" in arguments
    assert any(argument.startswith("seccomp=") and argument.endswith("seccomp.json") for argument in arguments)
    assert any("size=33554432" in argument and "nr_inodes=" in argument for argument in arguments)


def test_a_container_has_three_capabilities_and_no_mounts() -> None:
    arguments = make_docker()
    added = [arguments[place + 1] for place, argument in enumerate(arguments) if argument == "--cap-add"]
    assert sorted(added) == ["KILL", "SETGID", "SETUID"]
    assert not {"--volume", "-v", "--mount", "--privileged", "--device", "--publish", "--env-file"} & set(arguments)


def test_runtime_and_cards_are_asked_for_only_when_set() -> None:
    assert not {"--runtime", "--gpus"} & set(make_docker())
    assert has(make_docker(runtime="runsc"), "--runtime", "runsc")
    cards = docker_args(LIMITS, label="l", name="n", options=DockerOptions(), device="cuda:0")
    assert has(cards, "--gpus", "all")


def test_the_image_comes_after_every_option() -> None:
    arguments = make_docker(image="some/image:1")
    assert arguments[arguments.index("some/image:1") + 1] == "python3"


def test_names_are_fit_for_an_engine_and_never_the_same() -> None:
    assert make_name("a b/c;d") != make_name("a b/c;d")
    assert make_name("a b/c;d").startswith("lacuna-a-b-c-d-")


def test_bubblewrap_has_every_wall() -> None:
    for as_root in (True, False):
        arguments = make_bwrap(as_root=as_root)
        for flag in ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent",
                     "--new-session", "--as-pid-1", "--clearenv"):  # fmt: skip
            assert flag in arguments
        assert has(arguments, "--cap-drop", "ALL")
        assert has(arguments, "--seccomp", "9")
        assert has(arguments, "--remount-ro", "/")
        assert not {"--dev-bind", "--share-net", "--tmpfs"} & set(arguments[arguments.index("--proc") :])


def test_all_that_can_be_written_in_bubblewrap_is_staged_noexec_with_a_size() -> None:
    arguments = make_bwrap(as_root=True)
    written = [arguments[place + 1 : place + 3] for place, argument in enumerate(arguments) if argument == "--bind"]
    assert sorted(written) == [["/sys/shm", "/dev/shm"], ["/sys/tmp", "/tmp"]]
    assert "noexec,nosuid,nodev," in STAGE_BOX
    staged = stage_args(LIMITS, ["bwrap"], as_root=True, joins=["/a/cgroup.procs"])
    assert has(staged, "sh", "/a/cgroup.procs", "--", "16384", str(32 << 20), "16384", str(64 << 20), "bwrap")


def test_a_plain_users_box_has_mounts_of_its_own_and_cannot_write_memory_through_proc() -> None:
    assert has(stage_args(LIMITS, ["bwrap"], as_root=False), "--user", "--map-root-user", "--mount")
    assert "--user" not in stage_args(LIMITS, ["bwrap"], as_root=True)
    assert has(make_bwrap(as_root=False), "--remount-ro", "/proc")


def test_only_root_keeps_capabilities_and_the_machines_users() -> None:
    assert "--unshare-user" not in make_bwrap(as_root=True)
    assert make_bwrap(as_root=True).count("--cap-add") == 3
    assert "--unshare-user" in make_bwrap(as_root=False)
    assert "--cap-add" not in make_bwrap(as_root=False)


def test_everything_bound_is_read_only_and_has_a_neutral_path() -> None:
    arguments = make_bwrap(as_root=True)
    inside = [arguments[place + 2] for place, argument in enumerate(arguments) if argument == "--ro-bind"]
    assert inside == ["/usr", "/opt/python"]


def test_the_runtime_is_this_interpreter_and_only_the_sandbox_package_of_ours() -> None:
    runtime = find_runtime()
    ours = [here for here, inside in runtime.binds if inside.startswith("/opt/lacuna")]
    assert [Path(here).name for here in ours] == ["sandbox"]
    assert runtime.module_path.startswith("/opt/lacuna:")


def test_the_probe_asks_for_little() -> None:
    assert PROBE_LIMITS.memory_bytes <= 256 << 20


@pytest.mark.parametrize("as_root", [True, False])
def test_scratch_paths_of_hosted_notebooks_lead_to_the_working_folder(as_root: bool) -> None:
    argv = make_bwrap(as_root=as_root)
    image = (Path(__file__).resolve().parents[4] / "sandbox" / "Dockerfile").read_text()
    for place in SCRATCH_LINKS:
        assert argv[argv.index(place) - 2 : argv.index(place)] == ["--symlink", SCRATCH]
        assert f" {place}" in image
    assert f"ln -s {SCRATCH} " in image
