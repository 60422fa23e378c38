"""How one replica is shut in before its code runs, and how nothing of it is left afterwards."""

import ctypes
import io
import os
import resource
import signal
import stat
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
FIRST_UID, UIDS = 20000, 40000
SKIPPED_PIDS, SKIPPED_INODES = 16, 64
DATA_HEADROOM = 256 << 20


def harden() -> None:
    """Adopt orphans, and let no replica look into this process through /proc."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def is_first() -> bool:
    """Whether this process is the first of its own process namespace: then all others come from it."""
    return os.getpid() == 1


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def blur_counters(folders: Iterable[Path]) -> None:
    """Skip a random number of process ids and inode numbers, so that neither says how many replicas there were."""
    for _ in range(os.urandom(1)[0] % SKIPPED_PIDS):
        with suppress(OSError):
            os.posix_spawn("/nowhere", ["nowhere"], {})  # costs an id and no copy of this process
    for folder in folders:
        for _ in range(os.urandom(1)[0] % SKIPPED_INODES):
            with suppress(OSError):
                os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600))


def enter(*, uid: int | None, scratch: Path, limits: Mapping[str, Any], log_fd: int, keep_fd: int) -> None:
    """Give up everything a replica does not need; called in the forked child before any participant code."""
    os.setsid()
    _wire_standard_streams(log_fd, keep_fd)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the replica dies of memory first, not its parent
    _set_rlimits(limits)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    die_with_parent()
    scratch.mkdir(mode=0o700)
    os.chdir(scratch)
    for name in ("HOME", "TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME"):
        os.environ[name] = str(scratch)
    tempfile.tempdir = None


def choose_uid(*, alone: bool) -> int | None:
    """Draw a user id for a replica where this process may, so that replicas cannot touch each other's files."""
    if os.getuid() != 0 or not alone:
        return None
    return FIRST_UID + int.from_bytes(os.urandom(8)) % UIDS


def kill_everything(child: int, *, alone: bool) -> tuple[int, float, int]:
    """Kill and reap all that a replica started; gives its exit status, CPU seconds and peak memory in bytes.

    alone: this process and the first of its namespace, which the kernel shields, are the only ones not the replica's.
    """
    status, cpu_seconds, peak = 0, 0.0, 0
    while True:
        end_descendants(alone=alone)
        try:
            pid, code, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return status, cpu_seconds, peak
        if pid == child:
            status = code
        cpu_seconds += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss << 10)


def end_descendants(*, alone: bool) -> None:
    if alone:
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)  # the kernel does this in one go: a fork bomb cannot run ahead of it
        return
    for pid in _find_descendants():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def wipe(folders: Iterable[Path], *, uid: int | None) -> bool:
    """Empty the writable folders; whether they are empty now."""
    folders = [folder for folder in folders if folder.is_dir()]
    is_empty = _remove_easily(folders)
    if not is_empty:
        helper = os.fork()
        if helper == 0:
            _wipe_as(uid, folders)
        os.waitpid(helper, 0)
        is_empty = _remove_easily(folders)
    for folder in folders:
        with suppress(OSError):  # the kernel's folder of queues is nobody's
            os.utime(folder, (0, 0))  # when something was last made in it would tell the next replica whether
    return is_empty


def _wire_standard_streams(log_fd: int, keep_fd: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    os.closerange(3, keep_fd)
    os.closerange(keep_fd + 1, 4096)


def _set_rlimits(limits: Mapping[str, Any]) -> None:
    data = max(limits["memory_bytes"], _used_data_bytes() + DATA_HEADROOM)
    wanted = {
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_FSIZE: limits["scratch_bytes"],
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 1 << 20,
        resource.RLIMIT_DATA: data,
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (ceiling, ceiling))


def _used_data_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0


def _find_descendants() -> set[int]:
    """All processes below this one; orphans are among them since it adopts them."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError, IndexError, ValueError):
                fields = Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2].split()
                parents[int(entry)] = int(fields[1])
    found: set[int] = set()
    fresh = {os.getpid()}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def _remove_easily(folders: Iterable[Path]) -> bool:
    """Remove what the owner of the folder may remove without being the replica: the honest case needs no more."""
    empty = True
    for folder in folders:
        for entry in list(os.scandir(folder)):
            try:
                (os.rmdir if entry.is_dir(follow_symlinks=False) else os.unlink)(entry.path)
            except OSError:
                empty = False
    return empty


def _wipe_as(uid: int | None, folders: Iterable[Path]) -> None:
    try:
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        for folder in folders:
            _flatten(folder)
    finally:
        os._exit(0)


def _flatten(top: Path) -> None:
    """Remove a tree without recursion: nested folders are moved up first, so no depth can exhaust stack or path."""
    waiting = [entry.path for entry in os.scandir(top)]
    number = 0
    while waiting:
        path = waiting.pop()
        with suppress(OSError):
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                os.unlink(path)
                continue
            os.chmod(path, 0o700)
            for entry in list(os.scandir(path)):
                if entry.is_dir(follow_symlinks=False):
                    number += 1
                    lifted = f"{top}/.wipe-{number}"
                    os.chmod(entry.path, 0o700)
                    os.rename(entry.path, lifted)
                    waiting.append(lifted)
                else:
                    os.unlink(entry.path)
            os.rmdir(path)
