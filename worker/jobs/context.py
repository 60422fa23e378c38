"""What a worker process holds for its whole life: settings, engine, store, sandbox, and the problems it has met."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from core.db.session import get_engine
from core.problems import ProblemSpec
from core.settings import Settings
from core.storage import BlobStore
from core.stores import open_store
from worker.problems import LoadedProblem, load_problem
from worker.replicas.inspection import Inspector
from worker.runner.base import Sandbox


@dataclass(slots=True)
class WorkerContext:
    settings: Settings
    engine: Engine
    store: BlobStore
    sandbox: Sandbox
    is_quiet: bool = True  # a replica can tell the next one in its box nothing
    reminded: dict[str, datetime] = field(default_factory=dict)  # problems: when to remind of them next
    _problems: dict[str, LoadedProblem] = field(default_factory=dict)
    _inspectors: dict[str, Inspector] = field(default_factory=dict)

    def load(self, spec: ProblemSpec) -> LoadedProblem:
        """The newest two are kept in memory."""
        if spec.digest not in self._problems:
            while len(self._problems) >= 2:
                oldest = next(iter(self._problems))
                self._problems.pop(oldest)
                self._inspectors.pop(oldest, None)
            self._problems[spec.digest] = load_problem(spec, self.settings.dataset_folder, self.store)
        return self._problems[spec.digest]

    def inspector(self, problem: LoadedProblem) -> Inspector:
        digest = problem.spec.digest
        if digest not in self._inspectors:
            self._inspectors[digest] = Inspector(problem, device=self.settings.device)
        return self._inspectors[digest]


def make_context(settings: Settings, sandbox: Sandbox, *, is_quiet: bool) -> WorkerContext:
    return WorkerContext(
        settings=settings,
        engine=get_engine(settings.resolved_database_url),
        store=open_store(settings),
        sandbox=sandbox,
        is_quiet=is_quiet,
    )
