"""Read an upload in a child process, and believe what comes back no more than the upload itself."""

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from safetensors import SafetensorError

from core.domain.data_sets import MOST_UNPACKED_BYTES, DataFormat
from core.domain.errors import InvalidInput, PlatformFault
from worker.data_sets.arrays import Tensors, make_tensors, unpack_tensors
from worker.data_sets.child import NOTES, REFUSAL, REFUSED, RESULT, STARTED, TOO_MUCH_MEMORY, UPLOAD
from worker.data_sets.unpack import SHOWN_LITTER, show
from worker.runner.confined import has_bubblewrap, run_confined

log = structlog.get_logger()
MODULE = "worker.data_sets.child"
CODE = ("worker/__init__.py", "worker/data_sets", "core/__init__.py", "core/domain")
KILLED = 128 + 9
REFUSAL_BYTES = 8 << 10
NOTES_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Of one reading; what an admin's largest honest upload needs, and no more."""

    memory_bytes: int = 12 << 30  # of addresses: the unpacked upload, its float32 and what checking copies
    cpu_seconds: int = 600
    wall_seconds: float = 780.0  # below the lease of validation
    file_bytes: int = MOST_UNPACKED_BYTES + (64 << 20)


LIMITS = ReadLimits()


def read_confined(
    content: bytes, format: DataFormat, *, limits: ReadLimits = LIMITS, box: bool | None = None
) -> Tensors:
    """Raises InvalidInput for whatever the upload does to its reader, PlatformFault if no reader can be started.

    box: whether bubblewrap is around it; by default where it works.
    """
    box = has_bubblewrap() if box is None else box
    if not box:
        log.warning("an upload is read without bubblewrap: a flaw in a decoder would see this machine's files")
    with tempfile.TemporaryDirectory(prefix="lacuna-reading-") as name:
        folder = Path(name)
        (folder / UPLOAD).write_bytes(content)
        numbers = (limits.memory_bytes, limits.cpu_seconds, limits.file_bytes)
        code = run_confined(
            MODULE,
            [format, *map(str, numbers)],
            folder,
            code=CODE,
            wall_seconds=limits.wall_seconds,
            box=box,
        )
        if not (folder / STARTED).exists():
            raise PlatformFault(f"the reader of uploads did not start (exit code {code})")
        if _sum_bytes(folder) > len(content) + limits.file_bytes:
            raise InvalidInput("reading it wrote more than a reader may")
        if code != 0:
            raise InvalidInput(_explain(code, folder, limits))
        return replace(check_result(_take(folder / RESULT, limits)), left_out=_take_notes(folder / NOTES))


def check_result(packed: bytes) -> Tensors:
    """Every check of an upload once more, on what the child says was in it."""
    try:
        kept = unpack_tensors(packed)
        train, test = (
            (x.transpose(0, 2, 3, 1), y) for x, y in ((kept.train_x, kept.train_y), (kept.test_x, kept.test_y))
        )
        names = tuple(str(name) for name in kept.class_names)
        return make_tensors(train, test if len(test[1]) else None, names, kept.groups)
    except (SafetensorError, json.JSONDecodeError, RecursionError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"the reader's result makes no sense: {type(error).__name__}") from None


def _sum_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def _take(path: Path, limits: ReadLimits) -> bytes:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > limits.file_bytes:
        raise InvalidInput("reading it left no result")
    return path.read_bytes()


def _take_notes(path: Path) -> tuple[str, ...]:
    """Names of files that were left out, as far as they make sense."""
    if path.is_symlink() or not path.is_file():
        return ()
    with path.open("rb") as stream:
        text = stream.read(NOTES_BYTES).decode("ascii", errors="replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    names = found if isinstance(found, list) else []
    return tuple(show(name) for name in names[: SHOWN_LITTER + 1] if isinstance(name, str))


def _explain(code: int | None, folder: Path, limits: ReadLimits) -> str:
    if code is None:
        return f"reading it took longer than {limits.wall_seconds:.0f} seconds"
    if code == TOO_MUCH_MEMORY:
        return f"reading it takes more than {limits.memory_bytes >> 20:,} MiB of memory"
    if code == KILLED:
        return f"reading it was killed: it took more memory than there is, or more than {limits.cpu_seconds} seconds"
    refusal = folder / REFUSAL
    if code == REFUSED and refusal.is_file() and not refusal.is_symlink():
        with refusal.open("rb") as stream:
            text = stream.read(REFUSAL_BYTES).decode("utf-8", errors="replace")
        return (
            "".join(letter if letter.isprintable() else " " for letter in text) or "it was refused, and no reason given"
        )
    return f"reading it failed (exit code {code}): a decoder crashed on it, or it went beyond what a reader may do"
