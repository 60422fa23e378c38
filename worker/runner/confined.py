"""One module of ours in a process of its own, on input that is not trusted: bubblewrap around it where it works.

Without bubblewrap the child has the same limits and an empty environment, and can still read this machine's files.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from worker.runner.bubblewrap import REPOSITORY, BubblewrapSandbox, Runtime, find_program, find_runtime
from worker.runner.guest import GUEST_ENV, HOST_NAME, TMP
from worker.runner.process import process_env
from worker.runner.seccomp import seccomp_program

INSIDE = "/work"  # where the child finds its folder
NOBODY = "1000"
SCRATCH_BYTES = 64 << 20


def has_bubblewrap() -> bool:
    """Tried until it worked, as a failure may be a moment's; then no more, as it starts a box."""
    if _try_bubblewrap():
        return True
    _try_bubblewrap.cache_clear()
    return False


@cache
def _try_bubblewrap() -> bool:
    return BubblewrapSandbox(as_root=False).find_obstacle() is None


def run_confined(
    module: str, arguments: Sequence[str], folder: Path, *, code: Sequence[str], wall_seconds: float, box: bool
) -> int | None:
    """Run `python -m module FOLDER ARGUMENTS…`, which may write in its folder alone; None: killed for its time.

    code: what of the repository it may import, beside `sandbox`. Returns its exit code, 128 and more for a signal.
    """
    if not box:
        argv = [sys.executable, "-s", "-P", "-m", module, str(folder), *arguments]
        return _wait(argv, process_env(str(folder)), wall_seconds)
    program = find_program()
    if program is None:
        raise FileNotFoundError("bubblewrap is not installed any more")
    with seccomp_program() as seccomp_fd:
        argv = confined_args(module, arguments, folder, program=program, code=code, seccomp_fd=seccomp_fd)
        return _wait(argv, {}, wall_seconds, pass_fds=(seccomp_fd,))


def confined_args(
    module: str, arguments: Sequence[str], folder: Path, *, program: str, code: Sequence[str], seccomp_fd: int
) -> list[str]:
    """Pure, so that a test can read it."""
    runtime = find_runtime()
    return [
        program,
        *("--unshare-user", "--uid", NOBODY, "--gid", NOBODY, "--unshare-ipc", "--unshare-pid", "--unshare-net"),
        *("--unshare-uts", "--unshare-cgroup-try", "--hostname", HOST_NAME),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
        *_environment(runtime),
        *_filesystem(runtime, folder, code),
        *("--seccomp", str(seccomp_fd), "--chdir", TMP),
        *(runtime.interpreter, "-s", "-P", "-m", module, INSIDE, *arguments),
    ]


def _environment(runtime: Runtime) -> list[str]:
    variables = {**GUEST_ENV, "PATH": "/usr/bin:/bin", "PYTHONPATH": runtime.module_path}
    return [part for name, value in variables.items() for part in ("--setenv", name, value)]


def _filesystem(runtime: Runtime, folder: Path, code: Sequence[str]) -> list[str]:
    links = [part for name in ("bin", "lib", "lib64") for part in ("--symlink", f"usr/{name}", f"/{name}")]
    ours = [(str(REPOSITORY / path), f"/opt/lacuna/{path}") for path in code]
    binds = [part for here, inside in (*runtime.binds, *ours) for part in ("--ro-bind", here, inside)]
    return [
        *("--ro-bind", "/usr", "/usr", *links, "--dir", "/opt", "--dir", "/opt/lacuna", *binds),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--size", str(SCRATCH_BYTES), "--tmpfs", TMP, "--bind", str(folder), INSIDE, "--remount-ro", "/"),
    ]


def _wait(argv: Sequence[str], env: dict[str, str], wall_seconds: float, pass_fds: Sequence[int] = ()) -> int | None:
    """What it prints goes nowhere: nothing it says is believed."""
    child = subprocess.Popen(  # noqa: S603 -- our own arguments
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=pass_fds,
    )
    try:
        code = child.wait(wall_seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _kill_group(child)
    return code if code >= 0 else 128 - code


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """Whatever it started goes with it."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        child.wait()
