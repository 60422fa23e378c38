"""A backup as one stream: a tar of the folder that `form` describes, its length known before its first byte."""

import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.backup.form import MANIFEST, ROWS, STORE
from core.domain.errors import InvalidInput, PlatformFault
from core.storage import BlobStore, place_blob

BLOCK, PIECE_BYTES = 512, 1 << 20
_END = bytes(2 * BLOCK)


@dataclass(frozen=True, slots=True)
class Part:
    name: str  # in the archive
    size: int
    open: Callable[[], BinaryIO]


def list_parts(folder: Path, blobs: Iterable[str], store: BlobStore) -> list[Part]:
    """What a backup's folder holds, the blobs taken from a store; the manifest last, as it is written last."""
    rows = sorted(path for path in folder.glob(f"{ROWS}*/*"))
    return [
        *(_describe_file(folder, path) for path in rows),
        *(
            Part(f"{STORE}/{place_blob(digest)}", store.count_bytes(digest), partial(store.open, digest))
            for digest in blobs
        ),
        _describe_file(folder, folder / MANIFEST),
    ]


def count_archive(parts: Sequence[Part]) -> int:
    return sum(BLOCK + part.size + -part.size % BLOCK for part in parts) + len(_END)


def iter_archive(parts: Sequence[Part]) -> Iterator[bytes]:
    for part in parts:
        info = tarfile.TarInfo(part.name)
        info.size, info.mode = part.size, 0o600
        yield info.tobuf(tarfile.GNU_FORMAT)
        left = part.size
        with part.open() as stream:
            while left and (piece := stream.read(min(left, PIECE_BYTES))):
                left -= len(piece)
                yield piece
        if left:
            raise PlatformFault(f"{part.name} became shorter while it was sent")
        yield bytes(-part.size % BLOCK)
    yield _END


def unpack(stream: BinaryIO, folder: Path) -> None:
    """Write what an archive holds into an empty folder: files of a backup, and nothing beside them."""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() and _is_ours(member.name) else None
                if content is None:
                    raise InvalidInput(f"the backup is damaged: {member.name[:100]!r} is no part of one")
                path = folder / member.name
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with path.open("xb") as target:
                    for piece in iter(partial(content.read, PIECE_BYTES), b""):
                        target.write(piece)
    except (tarfile.TarError, FileExistsError, EOFError) as error:
        raise InvalidInput(f"the backup is damaged: it is no archive of one, or not the whole ({error})") from None


def _describe_file(folder: Path, path: Path) -> Part:
    return Part(path.relative_to(folder).as_posix(), path.stat().st_size, lambda: path.open("rb"))


def _describe_blob(store: BlobStore, digest: str) -> Part:
    return Part(f"{STORE}/{place_blob(digest)}", store.count_bytes(digest), partial(store.open, digest))


def _is_ours(name: str) -> bool:
    path = PurePosixPath(name)
    is_within = not path.is_absolute() and ".." not in path.parts
    return is_within and (name == MANIFEST or path.parts[0] == STORE or path.parts[0].startswith(ROWS))
