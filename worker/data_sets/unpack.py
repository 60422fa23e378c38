"""Read a zip of a data set from memory without trusting it; compare core/domain/intake/archive.py, which reads code."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from core.domain.data_sets import MOST_ENTRIES, MOST_UNPACKED_BYTES, SHOWN_CHARS
from core.domain.errors import InvalidInput

CENTRAL_HEADER = b"PK\x01\x02"
SHOWN_LITTER = 20
DEPTH_LIMIT, NAME_LIMIT = 6, 300
# What systems and tools leave beside pictures; whatever begins with a dot is theirs too.
LITTER = frozenset({"__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin"})
LITTER_OF_STORES = frozenset({"lost+found", "@eadir", "#recycle", "@recycle"})


class Archive:
    """The plain files of a zip by their names; nothing is unpacked before all of them were looked at."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self._litter: list[str] = []
        for info in archive.infolist():
            name = _check_entry(info)
            is_folder = info.orig_filename.endswith(("/", "\\"))
            if _is_litter(name):
                self._litter.extend([] if is_folder else [show(name)])
            if is_folder or _is_litter(name):
                continue
            if name in self._infos:
                raise InvalidInput(f"the archive holds {show(name)} twice")
            self._infos[name] = info
        total = sum(info.file_size for info in self._infos.values())
        if total > MOST_UNPACKED_BYTES:
            raise InvalidInput(f"the archive unpacks to {total:,} bytes; at most {MOST_UNPACKED_BYTES:,} are read")

    @property
    def names(self) -> list[str]:
        return sorted(self._infos)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What other programs left: the first few by name, the others by their number."""
        shown = self._litter[:SHOWN_LITTER]
        more = len(self._litter) - len(shown)
        return (*shown, f"and {more} more") if more else tuple(shown)

    def read(self, name: str) -> bytes:
        """Read at most what the table of contents declares; more is a lie, less fails its checksum."""
        info = self._infos[name]
        with self._archive.open(info) as stream:
            content = stream.read(info.file_size + 1)
        if len(content) != info.file_size:
            raise InvalidInput(f"{show(name)} has another size than the archive says")
        return content


@contextmanager
def open_archive(content: bytes) -> Iterator[Archive]:
    if content.count(CENTRAL_HEADER) > MOST_ENTRIES:
        raise InvalidInput(f"the archive holds more than {MOST_ENTRIES:,} entries")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield Archive(archive)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InvalidInput(f"the archive is damaged or not a zip: {show(str(error))}") from None
    except (ValueError, OverflowError, OSError, RuntimeError, UnicodeError):
        raise InvalidInput("the archive is damaged: its table of contents makes no sense") from None


def show(text: str) -> str:
    """Foreign text for a message: one line, no control characters, not for ever."""
    return ascii(text[:SHOWN_CHARS])[1:-1]


def _is_litter(name: str) -> bool:
    return any(part.lower() in LITTER | LITTER_OF_STORES or part.startswith(".") for part in PurePosixPath(name).parts)


def _check_entry(info: zipfile.ZipInfo) -> str:
    raw, mode = info.orig_filename.replace("\\", "/"), stat.S_IFMT(info.external_attr >> 16)
    parts = PurePosixPath(raw).parts
    if not raw.isprintable() or len(raw) > NAME_LIMIT or len(parts) > DEPTH_LIMIT:
        raise InvalidInput(f"the archive holds an unusable name: {show(raw)}")
    if raw.startswith("/") or raw[1:2] == ":" or ".." in parts:
        raise InvalidInput(f"the archive holds a path that leaves its folder: {show(raw)}")
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InvalidInput(f"{show(raw)} in the archive is a link or a device")
    if info.flag_bits & 0x1:
        raise InvalidInput(f"{show(raw)} in the archive is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # the other methods of the standard library decompress without a bound on memory
        raise InvalidInput(f"{show(raw)} in the archive is not compressed with plain deflate")
    return str(PurePosixPath(raw))
