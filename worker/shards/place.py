"""Where a shard runs: a worker beside the database, or a node that has only what it was sent."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from core.problems import ProblemSpec
from core.settings import Settings
from core.storage import BlobStore
from worker.problems import LoadedProblem, load_problem
from worker.replicas.inspection import Inspector
from worker.runner.base import Sandbox


class Pulse(Protocol):
    """Tells whoever gave the work out how far it is, and hears whether it is wanted."""

    @property
    def is_wanted(self) -> bool: ...

    def report(self, finished: int) -> bool:
        """Say how many replicas are done; False to stop."""


class Place(Protocol):
    @property
    def settings(self) -> Settings: ...

    @property
    def store(self) -> BlobStore: ...

    @property
    def sandbox(self) -> Sandbox: ...

    def load(self, spec: ProblemSpec, request: int = 0) -> LoadedProblem:
        """For one of its forget requests."""

    def inspector(self, problem: LoadedProblem) -> Inspector: ...

    def load_originals(self, problem: LoadedProblem) -> tuple[bytes, ...]:
        """The safetensors of all originals, which must have been trained."""

    def load_spare(self, problem: LoadedProblem) -> bytes:
        """The safetensors of the original that the swap test starts from."""


@dataclass(slots=True)
class ProblemCache:
    """The newest two problems are kept in memory, or all requests of one, each with what inspects its replicas."""

    _problems: dict[tuple[str, int], LoadedProblem] = field(default_factory=dict)
    _inspectors: dict[tuple[str, int], Inspector] = field(default_factory=dict)

    def load(self, spec: ProblemSpec, request: int, dataset_folder: Path | None, store: BlobStore) -> LoadedProblem:
        name = (spec.digest, request)
        if name not in self._problems:
            while len(self._problems) >= max(2, len(spec.requests)):
                oldest = next(iter(self._problems))
                self._problems.pop(oldest)
                self._inspectors.pop(oldest, None)
            self._problems[name] = load_problem(spec, dataset_folder, store, request=request)
        return self._problems[name]

    def inspector(self, problem: LoadedProblem, device: str) -> Inspector:
        name = (problem.spec.digest, problem.request)
        if name not in self._inspectors:
            self._inspectors[name] = Inspector(problem, device=device)
        return self._inspectors[name]
