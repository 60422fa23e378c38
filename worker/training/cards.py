"""Pool cards: the outputs of a problem's pools in one file, so that who did not train them scores against them."""

import hashlib
import importlib.metadata
import io
import json
import platform
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.domain.errors import InvalidInput, PlatformFault
from core.domain.pools import PoolKind
from core.problems import ProblemSpec
from core.storage import BlobStore
from worker.problems import LoadedProblem
from worker.training.chunks import Chunk, pool_chunks, train_chunk
from worker.training.pools import FinishedChunk, load_chunk, pool_sizes, read_chunk

CARD = "card.json"
FORM = 1
MOST_BYTES = 8 << 30  # unpacked; the largest problem of the literature has 1.3 GB of outputs
MOST_CARD_BYTES = 64 << 20
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class CardChunk(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: Digest
    seeds: tuple[int, ...]
    weights: tuple[Digest, ...]  # of each model, whether they are in the file or not


class PoolCard(BaseModel):
    """What the file says of itself: everything that training depended on, by value or digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Literal[1] = 1
    slug: str
    title: str
    problem: dict[str, Any]  # recipe, network, split and request, as in the problem's file
    problem_digest: Digest
    training_digest: Digest  # of tensors, network, recipe and pool seed
    manifest_digest: Digest  # of the forget set
    versions: dict[str, str]
    has_weights: bool
    pools: dict[PoolKind, tuple[CardChunk, ...]]

    @property
    def models(self) -> int:
        return sum(len(chunk.seeds) for chunks in self.pools.values() for chunk in chunks)


@dataclass(frozen=True, slots=True)
class OpenCard:
    """A card whose file is open: its blobs are read one by one, each checked against its digest."""

    card: PoolCard
    archive: zipfile.ZipFile

    def read(self, digest: str) -> bytes:
        try:
            data = self.archive.read(f"blobs/{digest}")
        except (KeyError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise InvalidInput(f"the card's part {digest[:12]} cannot be read: {error}") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise InvalidInput(f"the card's part {digest[:12]} is damaged or was changed")
        return data


def export_card(problem: LoadedProblem, store: BlobStore, target: Path, *, with_weights: bool) -> PoolCard:
    """Write the card of pools that are trained; of hidden problems nothing leaves."""
    _check_open(problem.spec)
    pools: dict[PoolKind, tuple[CardChunk, ...]] = {}
    blobs: list[str] = []
    for kind, chunks in _list_chunks(problem).items():
        found = [(chunk, load_chunk(chunk, store)) for chunk in chunks]
        missing = sum(len(chunk.seeds) for chunk, finished in found if finished is None)
        if missing:
            raise InvalidInput(f"{missing} models are not trained yet: run `lacuna problem build {problem.spec.slug}`")
        pools[kind] = tuple(_describe(chunk, finished, store) for chunk, finished in found if finished is not None)
        blobs += [chunk.digest for chunk in pools[kind]]
    originals = pools[PoolKind.ORIGINAL]
    if with_weights:
        blobs += [digest for chunk in originals for digest in chunk.weights]
    card = PoolCard(
        slug=problem.spec.slug,
        title=problem.spec.title,
        problem=problem.spec.model_dump(mode="json"),
        problem_digest=problem.spec.digest,
        training_digest=problem.digest,
        manifest_digest=problem.manifest.digest,
        versions=_list_versions(),
        has_weights=with_weights,
        pools=pools,
    )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(CARD), card.model_dump_json(indent=1))
        for digest in dict.fromkeys(blobs):
            archive.writestr(zipfile.ZipInfo(f"blobs/{digest}"), store.get(digest), zipfile.ZIP_DEFLATED)
    return card


@contextmanager
def open_card(path: Path) -> Iterator[OpenCard]:
    """Raises InvalidInput for what is no card, of another form, or unpacks to more than anybody has."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield OpenCard(_read_head(archive), archive)
    except zipfile.BadZipFile as error:
        raise InvalidInput(f"{path} is no pool card: {error}") from None
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror or error}") from None


def check_card(opened: OpenCard, problem: LoadedProblem) -> None:
    """Raise InvalidInput unless the card is of this problem and every part is what the problem's seeds name."""
    card, spec = opened.card, problem.spec
    _check_open(spec)
    for told, ours, what in (
        (card.training_digest, problem.digest, "data, network, recipe or seeds"),
        (card.manifest_digest, problem.manifest.digest, "forget set"),
    ):
        if told != ours:
            raise InvalidInput(f"the card is of another problem than {spec.slug}: its {what} differ")
    for kind, chunks in _list_chunks(problem).items():
        named = [(chunk.name, chunk.seeds) for chunk in chunks]
        if [(chunk.name, chunk.seeds) for chunk in card.pools.get(kind, ())] != named:
            raise InvalidInput(f"the card's {kind} pool is not that of {spec.slug}: other seeds, size or release")
        for chunk in card.pools[kind]:
            _check_chunk(opened, chunk, problem)


def import_card(opened: OpenCard, problem: LoadedProblem, store: BlobStore) -> int:
    """Keep what is not there yet; return how many models that was. Pools of this machine are never replaced."""
    check_card(opened, problem)
    card, kept = opened.card, 0
    for kind, chunks in _list_chunks(problem).items():
        for chunk, told in zip(chunks, card.pools[kind], strict=True):
            if load_chunk(chunk, store) is not None or (kind is PoolKind.ORIGINAL and not card.has_weights):
                continue
            if kind is PoolKind.ORIGINAL:
                for digest in told.weights:
                    store.put(opened.read(digest))
            store.put(opened.read(told.digest))
            store.set_ref(chunk.name, told.digest)
            kept += len(chunk.seeds)
    return kept


def retrain_some(opened: OpenCard, problem: LoadedProblem, members: int, *, device: str = "cpu") -> float:
    """Train the first retrained models again; return the largest difference of a logit from the card's."""
    chunk = pool_chunks(problem, PoolKind.RETRAINED, min(members, pool_sizes(problem.spec)[PoolKind.RETRAINED]))[0]
    told = read_chunk(opened.read(opened.card.pools[PoolKind.RETRAINED][0].digest))
    if told is None:
        raise InvalidInput("the card's first chunk cannot be read")
    ours = train_chunk(problem, chunk, device=device).outputs.forget_logits
    count = min(len(ours), len(told.outputs))
    return float(np.abs(ours[:count].astype(np.float64) - told.outputs.forget_logits[:count]).max())


def _check_open(spec: ProblemSpec) -> None:
    if not spec.exposure.is_open:
        raise InvalidInput(f"{spec.slug} is hidden: its pools stay where they are")


def _list_chunks(problem: LoadedProblem) -> dict[PoolKind, list[Chunk]]:
    return {kind: pool_chunks(problem, kind, size) for kind, size in pool_sizes(problem.spec).items()}


def _describe(chunk: Chunk, finished: FinishedChunk, store: BlobStore) -> CardChunk:
    digest = store.get_ref(chunk.name)
    if digest is None:
        raise PlatformFault(f"the pool chunk {chunk.name} went away")
    return CardChunk(name=chunk.name, digest=digest, seeds=chunk.seeds, weights=finished.weights)


def _check_chunk(opened: OpenCard, told: CardChunk, problem: LoadedProblem) -> None:
    finished = read_chunk(opened.read(told.digest))
    if finished is None or finished.seeds != told.seeds or finished.weights != told.weights:
        raise InvalidInput(f"the card's part {told.digest[:12]} is no chunk of a pool, or not the one it says")
    outputs, splits = finished.outputs, problem.splits
    if outputs.forget_logits.shape[:2] != (len(told.seeds), len(splits.forget)):
        raise InvalidInput(f"the card's part {told.digest[:12]} is of other examples")
    if not np.isfinite(outputs.forget_logits).all():
        raise InvalidInput(f"the card's part {told.digest[:12]} has outputs that are not finite")


def _read_head(archive: zipfile.ZipFile) -> PoolCard:
    names = archive.namelist()
    sizes = {info.filename: info.file_size for info in archive.infolist()}
    if CARD not in sizes or len(sizes) != len(names):
        raise InvalidInput(f"this is no pool card: it holds no {CARD}, or a name twice")
    if sum(sizes.values()) > MOST_BYTES or sizes[CARD] > MOST_CARD_BYTES:
        raise InvalidInput(f"the card unpacks to more than {MOST_BYTES >> 30} GiB")
    try:
        body = json.load(io.BytesIO(archive.read(CARD)))
        if isinstance(body, dict) and body.get("form") != FORM:
            raise InvalidInput(f"the card is of form {body.get('form')!r}; this release reads form {FORM}")
        return PoolCard.model_validate(body)
    except (ValidationError, ValueError, RecursionError, NotImplementedError, RuntimeError) as error:
        raise InvalidInput(f"the card's {CARD} cannot be read: {str(error).splitlines()[0]}") from None


def _list_versions() -> dict[str, str]:
    names = ("torch", "numpy", "lacuna")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names}}
