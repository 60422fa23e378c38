"""What a worker process holds for its whole life: settings, engine, store, sandbox, and the problems it has met."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from core.db.session import get_engine
from core.problems import ProblemSpec
from core.settings import Settings
from core.storage import BlobStore
from core.stores import open_store
from worker.problems import LoadedProblem
from worker.replicas.inspection import Inspector
from worker.runner.base import Sandbox
from worker.shards.place import ProblemCache
from worker.training.pools import load_originals
from worker.training.spare import ensure_spare


@dataclass(slots=True)
class WorkerContext:
    settings: Settings
    engine: Engine
    store: BlobStore
    sandbox: Sandbox
    is_quiet: bool = True  # a replica can tell the next one in its box nothing
    reminded: dict[str, datetime] = field(default_factory=dict)  # problems: when to remind of them next
    _known: ProblemCache = field(default_factory=ProblemCache)

    def load(self, spec: ProblemSpec, request: int = 0) -> LoadedProblem:
        return self._known.load(spec, request, self.settings.dataset_folder, self.store)

    def load_all(self, spec: ProblemSpec) -> list[LoadedProblem]:
        """Of every request."""
        return [self.load(spec, request) for request in range(len(spec.requests))]

    def inspector(self, problem: LoadedProblem) -> Inspector:
        return self._known.inspector(problem, self.settings.device)

    def load_originals(self, problem: LoadedProblem) -> tuple[bytes, ...]:
        return load_originals(problem, self.store)

    def load_spare(self, problem: LoadedProblem) -> bytes:
        return ensure_spare(problem, self.store, device=self.settings.device).weights


def make_context(settings: Settings, sandbox: Sandbox, *, is_quiet: bool) -> WorkerContext:
    return WorkerContext(
        settings=settings,
        engine=get_engine(settings.resolved_database_url),
        store=open_store(settings),
        sandbox=sandbox,
        is_quiet=is_quiet,
    )
