"""What a sandbox is asked to do and what it answers; backends satisfy `Sandbox`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.domain.promises import Promise
from core.domain.runtime import CpuClock
from core.problem_parts import BatchFormat
from sandbox.contract import Outcome, Role

LOCAL_LABEL = "lacuna-local-"  # begins the labels of runs that no shard in a database stands for


@dataclass(frozen=True, slots=True)
class NetworkRef:
    """Which network code of `sandbox.problems` to build, and how."""

    package: str
    options: Mapping[str, Any]
    num_classes: int
    input_shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReplicaOrder:
    index: int
    seed: int
    original: int = 0  # which of RunRequest.originals it starts from
    role: Role = Role.ENTRY


@dataclass(frozen=True, slots=True)
class Limits:
    wall_seconds: float  # of one replica, from `started` to `finished`
    memory_bytes: int  # of the whole sandbox
    output_bytes: int  # of one replica's weights
    log_bytes: int  # of one replica's printed text; the rest is dropped
    print_bytes: int  # a replica that prints more than this is stopped
    scratch_bytes: int  # of the temporary folder
    processes: int  # of one replica, threads included

    def __post_init__(self) -> None:
        if self.wall_seconds <= 0 or min(self.memory_bytes, self.output_bytes, self.processes) <= 0:
            raise ValueError("limits must be positive")


@dataclass(frozen=True, slots=True)
class RunRequest:
    label: str  # names the container, so that a janitor can find it
    network: NetworkRef
    batch_format: BatchFormat
    batch_size: int
    files: Mapping[str, bytes]  # the submission, entry file `submission.py`
    splits: bytes  # safetensors: retain_x, retain_y, forget_x, …, validation_y
    originals: tuple[bytes, ...]  # safetensors of the original models at hand
    orders: tuple[ReplicaOrder, ...]
    limits: Limits
    budget_seconds: float | None = None  # told to a submission that asks for it
    device: str = "cpu"
    allow_native: bool = False  # machine code that the image did not bring; not refused on a device
    hosted_input: bool = False  # the folder that notebooks of 2023 read is there
    pieces: Mapping[Role, bytes] = field(default_factory=dict)  # the platform's own entry files, for orders of a role


@dataclass(frozen=True, slots=True)
class ReplicaResult:
    index: int
    seed: int
    outcome: Outcome
    wall_seconds: float  # host clock
    cpu_seconds: float  # by `clock`
    peak_memory_bytes: int
    weights: bytes | None  # safetensors, unchecked
    log: str
    error: str  # one line, empty if the outcome is ok
    traceback: str  # for practice problems only
    clock: CpuClock = CpuClock.PROCESS
    waited_seconds: float | None = None  # for a core; None where the kernel does not tell


@dataclass(frozen=True, slots=True)
class RunResult:
    """How the sandbox itself fared; the replicas were handed to `on_replica` one by one."""

    sandbox: str
    delivered: int
    wall_seconds: float
    sandbox_error: str  # empty if the platform's part went well
    stopped: bool  # on_replica asked to stop


class Sandbox(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def promises(self) -> frozenset[Promise]:
        """What its boxes keep from participant code; the self-check holds it to that."""

    def identify(self) -> str:
        """What its boxes are made of: other text, and what was tried of it holds no more."""

    def find_obstacle(self) -> str | None:
        """Say in one line why this sandbox cannot run here, or None if it can."""

    def run(self, request: RunRequest, *, on_replica: Callable[[ReplicaResult], bool]) -> RunResult:
        """Run every order in turn; `on_replica` gets each result and returns False to stop early."""

    def kill_orphans(self, find_live: Callable[[], Collection[str]]) -> None:
        """Remove what earlier runs left behind on this machine.

        find_live: the labels of what must stay, asked after the boxes were listed: one may have begun meanwhile.
        """
