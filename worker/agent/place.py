"""Where a node runs a shard: a box of its own, and what the offer names."""

from dataclasses import dataclass, field

from core.node_records import Offer
from core.problems import ProblemSpec
from core.settings import Settings
from worker.agent.store import NodeStore
from worker.problems import LoadedProblem
from worker.replicas.inspection import Inspector
from worker.runner.base import Sandbox
from worker.shards.place import ProblemCache
from worker.training.spare import ensure_spare


@dataclass(slots=True)
class NodePlace:
    settings: Settings
    store: NodeStore
    sandbox: Sandbox
    offer: Offer
    known: ProblemCache = field(default_factory=ProblemCache)

    def load(self, spec: ProblemSpec, request: int = 0) -> LoadedProblem:
        return self.known.load(spec, request, self.settings.dataset_folder, self.store)

    def inspector(self, problem: LoadedProblem) -> Inspector:
        return self.known.inspector(problem, self.settings.device)

    def load_originals(self, problem: LoadedProblem) -> tuple[bytes, ...]:
        return tuple(self.store.get(digest) for digest in self.offer.originals)

    def load_spare(self, problem: LoadedProblem) -> bytes:
        if self.offer.spare is not None:
            return self.store.get(self.offer.spare)
        return ensure_spare(problem, self.store, device=self.settings.device).weights
