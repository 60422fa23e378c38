"""One more original of each problem, which no replica of a pool starts from: where the swap test starts.

It is trained as the others are, once, from the seed that would come next, and made again if it is lost.
"""

from dataclasses import dataclass

from core.domain.errors import BlobMissing
from core.domain.pools import PoolKind
from core.storage import BlobStore, find_computed
from worker.problems import LoadedProblem
from worker.replicas.outputs import ModelOutputs
from worker.training.chunks import Chunk, train_chunk
from worker.training.members import TRAINING_VERSION, member_seed
from worker.training.pools import load_chunk, read_chunk, store_chunk


@dataclass(frozen=True, slots=True)
class Spare:
    weights: bytes  # safetensors
    outputs: ModelOutputs  # of this one model


def ensure_spare(problem: LoadedProblem, store: BlobStore, *, device: str = "cpu") -> Spare:
    """Train it unless it is kept; safe to do twice at once."""
    if (kept := load_spare(problem, store)) is not None:
        return kept
    chunk = _plan(problem)
    trained = train_chunk(problem, chunk, device=device)
    store_chunk(chunk, trained, store)
    return Spare(trained.weights[0], trained.outputs)


def load_spare(problem: LoadedProblem, store: BlobStore) -> Spare | None:
    """None if it was never trained, or is lost."""
    finished = load_chunk(_plan(problem), store)
    if finished is None:
        return None
    try:
        return Spare(store.get(finished.weights[0]), finished.outputs)
    except BlobMissing:
        return None


def find_spare(digest: str, place: int, store: BlobStore) -> str | None:
    """The digest of its weights, for whoever has not loaded the problem; None if it was never trained, or is lost.

    digest: `LoadedProblem.digest`. place: how many originals there are beside it.
    """
    data = find_computed(store, _name(digest, place))
    finished = read_chunk(data) if data is not None else None
    return finished.weights[0] if finished is not None and store.has(finished.weights[0]) else None


def _plan(problem: LoadedProblem) -> Chunk:
    place, kind = problem.spec.pools.originals, PoolKind.ORIGINAL
    seed = member_seed(problem.spec.pools.seed, kind, place)
    return Chunk(name=_name(problem.digest, place), kind=kind, start=place, seeds=(seed,))


def _name(digest: str, place: int) -> str:
    return f"spares/{digest}/v{TRAINING_VERSION}/{place}"
