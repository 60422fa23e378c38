"""Read a zip from memory without trusting it: names, kinds, counts and sizes come before any unpacking."""

import io
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.report import ENTRY_FILE, Note, list_names, show

ENTRY_COUNT_LIMIT = 200
NAME_LIMIT = 200
DEPTH_LIMIT = 8
RATIO_LIMIT = 200
RATIO_FREE_BYTES = 1 << 20  # small text may compress as well as it likes
ALLOWED_SUFFIXES = frozenset({".py", ".txt", ".md", ".json", ".toml", ".yaml", ".yml", ".csv", ".cfg", ".ini", ""})
LITTER_NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
LITTER_FOLDERS = frozenset({"__macosx", "__pycache__", "@eadir", "#recycle", "@recycle", "$recycle.bin", "lost+found"})
LITTER_SUFFIXES = (".pyc", ".pyo", ".swp", "~")
CENTRAL_HEADER = b"PK\x01\x02"


@dataclass(frozen=True, slots=True)
class ArchiveFiles:
    files: dict[str, bytes]
    left_out: tuple[Note, ...]


def read_archive(content: bytes, *, limit_bytes: int) -> ArchiveFiles:
    """Unpack a small archive of text files in memory; raises ParticipantFault at the first thing that is wrong."""
    if content.count(CENTRAL_HEADER) > ENTRY_COUNT_LIMIT:
        _refuse(FaultCode.ARCHIVE_INVALID, f"the archive holds more than {ENTRY_COUNT_LIMIT} entries")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read_entries(archive, limit_bytes)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError) as error:
        message = f"the archive is damaged or not a zip: {show(str(error))}"
    except (ValueError, OverflowError, OSError, RuntimeError, UnicodeError):
        message = "the archive is damaged: its table of contents makes no sense"
    raise ParticipantFault(FaultCode.ARCHIVE_INVALID, message)


def _read_entries(archive: zipfile.ZipFile, limit_bytes: int) -> ArchiveFiles:
    wanted: dict[str, zipfile.ZipInfo] = {}
    litter: list[Note] = []
    names = frozenset(info.orig_filename for info in archive.infolist())
    for info in archive.infolist():
        name = _check_name(info)
        if _is_litter(name):
            litter.append(Note(show(name), "", "left by another program, not needed"))
            continue
        _check_kind(info, name, names)
        if name in wanted:
            _refuse(FaultCode.FORBIDDEN_FILE, f"the archive holds {show(name)} twice")
        if not _is_folder(info):
            wanted[name] = info
    _check_clashes(list(wanted))
    _check_entry_place(list(wanted))
    _check_sizes(wanted, limit_bytes)
    files = {name: _read_entry(archive, info, name) for name, info in sorted(wanted.items())}
    return ArchiveFiles(files, tuple(litter))


def _check_name(info: zipfile.ZipInfo) -> str:
    """The normalised relative path of an entry."""
    raw = info.orig_filename.replace("\\", "/")  # as Windows writes them
    shown = show(raw)
    if not raw.isprintable() or len(raw) > NAME_LIMIT:
        _refuse(FaultCode.FORBIDDEN_FILE, f"the archive holds an unusable name: {shown}")
    if raw.startswith("/") or raw[1:2] == ":":
        _refuse(FaultCode.FORBIDDEN_FILE, f"the archive holds an absolute path: {shown}")
    path = PurePosixPath(raw)
    if ".." in path.parts:
        _refuse(FaultCode.FORBIDDEN_FILE, f"the archive holds a path that leaves its folder: {shown}")
    if len(path.parts) > DEPTH_LIMIT:
        _refuse(FaultCode.FORBIDDEN_FILE, f"the archive nests folders more than {DEPTH_LIMIT} deep: {shown}")
    return str(path)


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.orig_filename.endswith(("/", "\\"))


def _is_litter(name: str) -> bool:
    """What tools leave beside files: hidden ones, compiled ones, copies of an editor, folders of a store."""
    path = PurePosixPath(name.lower())
    is_hidden = any(part.startswith(".") for part in path.parts)
    is_left = path.name in LITTER_NAMES or path.name.endswith(LITTER_SUFFIXES)
    return is_hidden or is_left or bool(LITTER_FOLDERS.intersection(path.parts))


def _check_kind(info: zipfile.ZipInfo, name: str, names: Collection[str]) -> None:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        _refuse(FaultCode.FORBIDDEN_FILE, f"{show(name)} in the archive is a link or a device")
    if info.flag_bits & 0x1:
        _refuse(FaultCode.ARCHIVE_INVALID, f"{show(name)} in the archive is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The other methods of the standard library decompress without a bound on memory.
        _refuse(FaultCode.ARCHIVE_INVALID, f"{show(name)} in the archive is not compressed with plain deflate")
    if not _is_folder(info) and PurePosixPath(name).suffix.lower() not in ALLOWED_SUFFIXES:
        cure = ": leave it out" if ENTRY_FILE in names else ""
        if name.lower().endswith(".ipynb") and not cure:
            cure = ": upload the notebook itself"
        _refuse(FaultCode.FORBIDDEN_FILE, f"{show(name)} in the archive is not a text file of an allowed kind{cure}")


def _check_clashes(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            _refuse(FaultCode.FORBIDDEN_FILE, f"the archive holds {show(name)} twice (as {show(seen[key])})")
        seen[key] = name
    for key, name in seen.items():
        if any(str(parent) in seen for parent in PurePosixPath(key).parents):
            _refuse(FaultCode.FORBIDDEN_FILE, f"the archive uses a file as a folder: {show(name)}")


def _check_entry_place(names: list[str]) -> None:
    if ENTRY_FILE in names:
        return
    if not names:
        _refuse(FaultCode.ARCHIVE_INVALID, "the archive is empty")
    nested = [name for name in names if PurePosixPath(name).name == ENTRY_FILE]
    if nested:
        folder = show(str(PurePosixPath(nested[0]).parent))
        _refuse(
            FaultCode.ARCHIVE_INVALID,
            f"{ENTRY_FILE} is inside the folder {folder}/; zip the contents of the folder, not the folder",
        )
    _refuse(FaultCode.ARCHIVE_INVALID, f"the archive has no {ENTRY_FILE} at its root, only {list_names(sorted(names))}")


def _check_sizes(wanted: dict[str, zipfile.ZipInfo], limit_bytes: int) -> None:
    total = sum(info.file_size for info in wanted.values())
    if total > limit_bytes:
        _refuse(FaultCode.TOO_LARGE, f"the archive unpacks to {total} bytes, more than {limit_bytes}")
    for name, info in wanted.items():
        if info.file_size > RATIO_FREE_BYTES and info.file_size > RATIO_LIMIT * max(info.compress_size, 1):
            _refuse(FaultCode.ARCHIVE_INVALID, f"{show(name)} unpacks to over {RATIO_LIMIT} times its packed size")


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    """Read at most what the table of contents declares; more is a lie, less fails its checksum."""
    with archive.open(info) as stream:
        content = stream.read(info.file_size + 1)
    if len(content) != info.file_size:
        _refuse(FaultCode.ARCHIVE_INVALID, f"{show(name)} has another size than the archive says")
    if b"\0" in content:
        _refuse(FaultCode.FORBIDDEN_FILE, f"{show(name)} in the archive is not text")
    return content


def _refuse(code: FaultCode, message: str) -> None:
    raise ParticipantFault(code, message)
