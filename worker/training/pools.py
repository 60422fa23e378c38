"""Pools of trained models: planned as chunks, trained once, kept by content, joined on demand."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.domain.errors import BlobMissing, PlatformFault, SealBroken
from core.domain.pools import PoolKind, compute_seal_digest
from core.problems import ProblemSpec
from core.storage import BlobStore
from worker.problems import LoadedProblem
from worker.replicas.outputs import ModelOutputs, concat_outputs, load_npz, save_npz
from worker.training.chunks import Chunk, pool_chunks, train_chunk
from worker.training.members import TrainedMembers
from worker.training.parallel import default_workers, train_chunks


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Where pools are trained; changes how long it takes, not what comes out."""

    workers: int = 0  # local processes; 0: one for each core
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ValueError("the number of worker processes cannot be negative")


@dataclass(frozen=True, slots=True)
class Pool:
    digest: str  # of the outputs and weights of all members, in order
    kind: PoolKind
    size: int
    outputs: ModelOutputs
    seeds: tuple[int, ...]
    weights: tuple[str, ...]  # SHA-256 of each member's safetensors; originals' are in the store

    def load_original(self, store: BlobStore, member: int) -> bytes:
        """Return the safetensors of one original."""
        if self.kind is not PoolKind.ORIGINAL:
            raise ValueError("only originals keep their weights")
        return store.get(self.weights[member])


@dataclass(frozen=True, slots=True)
class FinishedChunk:
    outputs: ModelOutputs
    seeds: tuple[int, ...]
    weights: tuple[str, ...]


def pool_sizes(spec: ProblemSpec) -> dict[PoolKind, int]:
    """Originals first: without them nothing can run; the control bank is as large as the retrained pool."""
    return {
        PoolKind.ORIGINAL: spec.pools.originals,
        PoolKind.RETRAINED: spec.pools.replicas,
        PoolKind.CONTROL: spec.pools.replicas,
    }


def ensure_pools(
    problem: LoadedProblem,
    sizes: Mapping[PoolKind, int],
    store: BlobStore,
    *,
    on_progress: Callable[[int, int], None],
    plan: TrainingPlan,
) -> dict[PoolKind, Pool]:
    """Return several pools, their missing chunks trained side by side; progress counts members."""
    chunks = {kind: pool_chunks(problem, kind, size) for kind, size in sizes.items()}
    every = [chunk for part in chunks.values() for chunk in part]
    missing = [chunk for chunk in every if load_chunk(chunk, store) is None]
    total = sum(sizes.values())
    done = total - sum(len(chunk.seeds) for chunk in missing)
    on_progress(done, total)
    workers = plan.workers or default_workers()
    for chunk, trained in train_chunks(problem, missing, workers=workers, device=plan.device):
        store_chunk(chunk, trained, store)
        done += len(chunk.seeds)
        on_progress(done, total)
    return {kind: assemble_pool(part, store) for kind, part in chunks.items()}


def make_seal(chunks: Sequence[Chunk], store: BlobStore) -> dict[str, Any]:
    """What has to be found again later: the blob of every chunk, and in it the weights of every member."""
    found = []
    for chunk in chunks:
        finished = _require_chunk(chunk, store)
        found.append({"name": chunk.name, "digest": store.get_ref(chunk.name), "members": list(finished.weights)})
    return {"digest": compute_seal_digest(found), "chunks": found}


def check_seals(seals: Iterable[Mapping[str, Any]], store: BlobStore) -> None:
    """Raise PlatformFault if a chunk is another one than was sealed: no score is computed against it."""
    for seal in seals:
        for chunk in seal["chunks"]:
            found = store.get_ref(chunk["name"])
            if found is None:
                raise BlobMissing(f"the pool chunk {chunk['name']} is gone", chunk["digest"])
            if found != chunk["digest"]:
                raise PlatformFault(f"the pool chunk {chunk['name']} is not the one that was sealed")


def build_chunk(problem: LoadedProblem, chunk: Chunk, store: BlobStore, *, device: str = "cpu") -> bool:
    """Train and store one chunk, unless it is there; return whether anything was trained."""
    if load_chunk(chunk, store) is not None:
        return False
    store_chunk(chunk, train_chunk(problem, chunk, device=device), store)
    return True


def find_lost_chunks(kind: PoolKind, seal: Mapping[str, Any], store: BlobStore) -> set[int]:
    """The places of the chunks of which something sealed is gone or damaged; an exchanged one is not lost."""
    return {place for place, chunk in enumerate(seal["chunks"]) if not _is_kept(kind, chunk, store)}


def rebuild_chunk(
    problem: LoadedProblem, chunk: Chunk, sealed: Mapping[str, Any], store: BlobStore, *, device: str = "cpu"
) -> None:
    """Make a lost chunk again from its seeds; raises SealBroken, and stores nothing, if it is not what was sealed."""
    if not _has_blobs(chunk.kind, sealed, store):
        trained = train_chunk(problem, chunk, device=device)
        digests = [hashlib.sha256(weights).hexdigest() for weights in trained.weights]
        digest = hashlib.sha256(_pack(trained.outputs, chunk.seeds, digests)).hexdigest()
        if digest != sealed["digest"] or digests != sealed["members"]:
            raise SealBroken(
                f"the pool chunk {chunk.name} was lost, and what its seeds gave again is not what was sealed:"
                f" {digest[:12]}, not {sealed['digest'][:12]}. Restore it from a backup, then apply its problem again"
            )
        store_chunk(chunk, trained, store)
    store.set_ref(chunk.name, sealed["digest"])


def assemble_pool(chunks: Sequence[Chunk], store: BlobStore) -> Pool:
    """Join the chunks of one pool, all of which must be in the store."""
    parts = [_require_chunk(chunk, store) for chunk in chunks]
    outputs = concat_outputs([part.outputs for part in parts])
    weights = tuple(digest for part in parts for digest in part.weights)
    body = hashlib.sha256(save_npz(outputs) + "".join(weights).encode())
    return Pool(
        digest=body.hexdigest(),
        kind=chunks[0].kind,
        size=len(outputs),
        outputs=outputs,
        seeds=tuple(seed for part in parts for seed in part.seeds),
        weights=weights,
    )


def load_pools(problem: LoadedProblem, store: BlobStore) -> dict[PoolKind, Pool]:
    return {kind: load_pool(problem, kind, store) for kind in PoolKind}


def load_pool(problem: LoadedProblem, kind: PoolKind, store: BlobStore) -> Pool:
    """Assemble one pool of a problem from the store; a missing chunk is the platform's fault."""
    return assemble_pool(pool_chunks(problem, kind, pool_sizes(problem.spec)[kind]), store)


def load_originals(problem: LoadedProblem, store: BlobStore) -> tuple[bytes, ...]:
    """Return the safetensors of all originals of a problem, which must have been trained."""
    pool = load_pool(problem, PoolKind.ORIGINAL, store)
    return tuple(pool.load_original(store, member) for member in range(pool.size))


def store_chunk(chunk: Chunk, trained: TrainedMembers, store: BlobStore) -> None:
    """Store a chunk; its name is set last, so that a chunk with a name is whole."""
    if chunk.kind is PoolKind.ORIGINAL:
        digests = [store.put(weights) for weights in trained.weights]
    else:
        digests = [hashlib.sha256(weights).hexdigest() for weights in trained.weights]
    store.set_ref(chunk.name, store.put(_pack(trained.outputs, chunk.seeds, digests)))


def load_chunk(chunk: Chunk, store: BlobStore) -> FinishedChunk | None:
    """Return a finished chunk, or None if it is not there or no longer readable."""
    try:
        digest = store.get_ref(chunk.name)
        data = store.get(digest) if digest is not None else None
    except BlobMissing:
        return None
    finished = read_chunk(data) if data is not None else None
    if finished is None:
        return None
    if finished.seeds != chunk.seeds:
        return None
    if chunk.kind is PoolKind.ORIGINAL and not all(store.has(weights) for weights in finished.weights):
        return None
    return finished


def read_chunk(data: bytes) -> FinishedChunk | None:
    """What a stored chunk holds; None for a form that cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            outputs = load_npz(archive.read("outputs.npz"))
            seeds = np.load(io.BytesIO(archive.read("seeds.npy")), allow_pickle=False)
            weights = np.load(io.BytesIO(archive.read("weights.npy")), allow_pickle=False)
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, PlatformFault):
        return None
    return FinishedChunk(
        outputs=outputs,
        seeds=tuple(int(seed) for seed in seeds),
        weights=tuple(bytes(digest).decode("ascii") for digest in weights),
    )


def _require_chunk(chunk: Chunk, store: BlobStore) -> FinishedChunk:
    finished = load_chunk(chunk, store)
    if finished is None:
        raise BlobMissing(f"the pool chunk {chunk.name} has not been trained, or is lost", digest="")
    return finished


def _is_kept(kind: PoolKind, sealed: Mapping[str, Any], store: BlobStore) -> bool:
    try:
        return store.get_ref(sealed["name"]) is not None and _has_blobs(kind, sealed, store)
    except BlobMissing:
        return False


def _has_blobs(kind: PoolKind, sealed: Mapping[str, Any], store: BlobStore) -> bool:
    try:
        for digest in (sealed["digest"], *(sealed["members"] if kind is PoolKind.ORIGINAL else ())):
            store.get(digest)
    except BlobMissing:
        return False
    return True


def _pack(outputs: ModelOutputs, seeds: Sequence[int], weights: Sequence[str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in (
            ("outputs.npz", save_npz(outputs)),
            ("seeds.npy", _save_array(np.array(seeds, dtype=np.int64))),
            ("weights.npy", _save_array(np.array(weights, dtype="S64"))),
        ):
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def _save_array(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
