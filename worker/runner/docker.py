"""A sandbox by a container engine, through its command line: no engine socket or library in this process."""

import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from core.domain.promises import EVERY
from sandbox.digest import source_digest
from worker.runner.base import LOCAL_LABEL, Limits, ReplicaResult, RunRequest, RunResult
from worker.runner.box import ProcessBox
from worker.runner.cgroup import ROOT, SPARE_PROCESSES, Cgroup
from worker.runner.guest import GUEST_ENV, GUEST_MODULE, HOST_NAME, INODES, PROBE_LIMITS, SHM_BYTES, TMP, WRITABLE
from worker.runner.seccomp import PROFILE
from worker.runner.supervisor import supervise

PROGRAM = "docker"
BUILD = "build it with `scripts/images.sh sandbox`"
COMMAND_SECONDS = 60.0
EVENT_SECONDS = 1.0  # how late the engine may hear of it
PAST_EVENTS = ("--since", "24h", "--until", "0s", "--filter", "event=oom", "--format", "{{.Action}}")
ENGINE_FAILED = 125  # the client's own code: the engine went away, or could not keep the container
# of a container, by the engine's driver and the kernel's version of cgroups
CGROUPS = ("memory/docker/{}", "memory/system.slice/docker-{}.scope", "docker/{}", "system.slice/docker-{}.scope")
SHARD_LABEL, OWNER_LABEL = "lacuna.shard", "lacuna.owner"
PYTHON = ("python3", "-s", "-P", "-m")
# The parent in the box needs these to give each replica a user of its own and to kill it; replicas keep none.
PARENT_CAPABILITIES = ("SETUID", "SETGID", "KILL")
ENVIRONMENT = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
)


@dataclass(frozen=True, slots=True)
class DockerOptions:
    image: str = "lacuna-sandbox:dev"
    owner: str = "nobody"  # tells the containers of one installation from another's on the same engine
    runtime: str = ""  # e.g. runsc; empty: the engine's default
    cpus: float = 1.0


def docker_args(
    limits: Limits,
    *,
    label: str,
    name: str,
    options: DockerOptions,
    device: str = "cpu",
    command: Sequence[str] = (*PYTHON, GUEST_MODULE),
) -> list[str]:
    """The argument list of one box; pure, so that a test can read it."""
    return [
        *(PROGRAM, "run", "--rm", "--interactive", "--pull", "never", "--log-driver", "none"),
        *("--name", name, "--label", f"{SHARD_LABEL}={label}", "--label", f"{OWNER_LABEL}={options.owner}"),
        *("--hostname", HOST_NAME, "--network", "none", "--ipc", "private", "--read-only"),
        *("--user", "0:0", "--workdir", TMP, "--cap-drop", "ALL"),
        *(part for key in PARENT_CAPABILITIES for part in ("--cap-add", key)),
        *("--security-opt", "no-new-privileges", "--security-opt", f"seccomp={PROFILE}"),
        *("--pids-limit", str(limits.processes + SPARE_PROCESSES), "--cpus", str(options.cpus)),
        *("--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)),
        *("--shm-size", str(SHM_BYTES), "--ulimit", "core=0", "--ulimit", "nofile=512:512"),
        *("--tmpfs", f"{TMP}:rw,noexec,nosuid,nodev,mode=1777,size={limits.scratch_bytes},nr_inodes={INODES}"),
        *(part for key, value in GUEST_ENV.items() for part in ("--env", f"{key}={value}")),
        *(("--runtime", options.runtime) if options.runtime else ()),
        *(("--gpus", "all") if device.startswith("cuda") else ()),
        options.image,
        *command,
    ]


class _DockerBox(ProcessBox):
    """The client process; ending it does not end the container, so that is always done by name."""

    def __init__(self, argv: Sequence[str], *, name: str) -> None:
        self._name = name
        self._cgroup: Cgroup | None = None
        super().__init__(argv, env=client_environment(), writable=WRITABLE)

    def kill(self) -> None:
        super().kill()  # first: an engine waits for ever for a client that no longer reads
        run_docker("kill", self._name)

    def close(self) -> None:
        super().close()
        run_docker("rm", "--force", self._name)

    def has_run_out_of_memory(self) -> bool:
        """The engine tells it of any process in the container; exit 137 alone may be anybody's `docker kill`."""
        deadline = time.monotonic() + EVENT_SECONDS
        while not (seen := run_docker("events", *PAST_EVENTS, "--filter", f"container={self._name}").stdout):
            if time.monotonic() > deadline:
                break
            time.sleep(EVENT_SECONDS / 10)
        return bool(seen)

    def forget(self) -> None:
        self._find_cgroup().reclaim()

    def _find_cgroup(self) -> Cgroup:
        """What the engine made for this container; of no folder where this process sees none, as in a launcher."""
        if self._cgroup is None:
            identity = run_docker("inspect", "--format", "{{.Id}}", self._name).stdout.decode().strip()
            folders = [ROOT / shape.format(identity) for shape in CGROUPS] if identity else []
            self._cgroup = Cgroup(tuple(folder for folder in folders if folder.is_dir()))
        return self._cgroup

    def was_ended_from_outside(self) -> bool:
        return super().was_ended_from_outside() or self.wait_code() == ENGINE_FAILED


class DockerSandbox:
    name = "docker"
    promises = EVERY

    def __init__(self, options: DockerOptions | None = None) -> None:
        self.options = options or DockerOptions()

    def find_obstacle(self) -> str | None:
        try:
            version = run_docker("version", "--format", "{{.Server.Version}}")
        except FileNotFoundError:
            return "the docker command is not installed: `apt-get install docker.io`, then start the engine"
        if version.returncode != 0:
            return "no container engine answers: start one with `systemctl start docker` (or `dockerd`)"
        if run_docker("image", "inspect", self.options.image).returncode != 0:
            return f"there is no image {self.options.image}: {BUILD}"
        return self._probe()

    def identify(self) -> str:
        answer = run_docker("image", "inspect", "--format", "{{.Id}}", self.options.image)
        return f"{answer.stdout.decode().strip()} {self.options.runtime}"

    def open_box(self, *, label: str, limits: Limits, device: str) -> ProcessBox:
        name = make_name(label)
        return _DockerBox(docker_args(limits, label=label, name=name, options=self.options, device=device), name=name)

    def run(self, request: RunRequest, *, on_replica: Callable[[ReplicaResult], bool]) -> RunResult:
        return supervise(
            request,
            name=self.name,
            open_box=lambda: self.open_box(label=request.label, limits=request.limits, device=request.device),
            on_replica=on_replica,
        )

    def kill_orphans(self, find_live: Callable[[], Collection[str]]) -> None:
        """Remove this installation's containers whose shard nobody holds; runs without a shard are left alone."""
        shape = f'{{{{.Names}}}}\t{{{{.Label "{SHARD_LABEL}"}}}}'
        owned = f"label={OWNER_LABEL}={self.options.owner}"
        listed = run_docker("ps", "--all", "--filter", owned, "--format", shape).stdout.decode().splitlines()
        live = find_live() if listed else ()
        for line in listed:
            name, _, label = line.partition("\t")
            if label not in live and not label.startswith(LOCAL_LABEL):
                run_docker("rm", "--force", name)

    def _probe(self) -> str | None:
        """Start the image once with every flag: it must run here, and be made of the code that we are."""
        name = make_name(LOCAL_LABEL)
        command = (*PYTHON, "sandbox.digest")
        args = docker_args(PROBE_LIMITS, label=LOCAL_LABEL, name=name, options=self.options, command=command)
        done = run_docker(*args[1:])
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            return f"docker cannot start {self.options.image} here: {said or done.returncode}"
        if done.stdout.decode().strip() != source_digest():
            return f"the image {self.options.image} was built from other code than this: {BUILD}"
        return None


def make_name(label: str) -> str:
    return f"lacuna-{re.sub(r'[^A-Za-z0-9_.-]', '-', label)[:40]}-{secrets.token_hex(6)}"


def client_environment() -> Mapping[str, str]:
    """What the engine's client needs of our environment, and nothing else."""
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


def run_docker(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 -- our own arguments
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
            env=dict(client_environment()),
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(arguments, 124, b"", b"the engine did not answer")
