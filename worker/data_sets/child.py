"""`python -m worker.data_sets.child FOLDER FORMAT MEMORY CPU FILE`: read one upload under limits, knowing nothing else.

Runs in a process of its own, so that a flaw in a decoder reaches no database, no queue and no other data set. It may
import the standard library, numpy, Pillow, safetensors, and what lies beside it and in core.domain.
"""

import contextlib
import json
import resource
import sys
from pathlib import Path

from core.domain.data_sets import DataFormat
from core.domain.errors import InvalidInput
from worker.data_sets.arrays import pack_tensors
from worker.data_sets.idx import read_idx
from worker.data_sets.npz import read_npz
from worker.data_sets.pictures import read_pictures

READERS = {DataFormat.NPZ: read_npz, DataFormat.IDX: read_idx, DataFormat.IMAGES: read_pictures}
UPLOAD, STARTED, RESULT, REFUSAL, NOTES = "upload", "started", "tensors.safetensors", "refusal.txt", "notes.json"
REFUSED, TOO_MUCH_MEMORY = 3, 4  # exit codes; anything else but 0 is a crash
MOST_CHARS = 2_000
MOST_OPEN_FILES = 64


def main(arguments: list[str]) -> int:
    folder, format = Path(arguments[0]), DataFormat(arguments[1])
    limit(*map(int, arguments[2:]))
    (folder / STARTED).touch()
    try:
        tensors = READERS[format]((folder / UPLOAD).read_bytes())
        (folder / NOTES).write_text(json.dumps(tensors.left_out), encoding="ascii")
        (folder / RESULT).write_bytes(pack_tensors(tensors))
    except InvalidInput as error:
        (folder / REFUSAL).write_text(error.message[:MOST_CHARS], encoding="utf-8", errors="replace")
        return REFUSED
    except MemoryError:
        return TOO_MUCH_MEMORY
    return 0


def limit(memory_bytes: int, cpu_seconds: int, file_bytes: int) -> None:
    """Hard limits, which nothing that is read from here on can lift; and the first to go when memory is short."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, MOST_OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),  # no child of its own, no thread: what holds one holds the sum (but not for root)
    ):
        resource.setrlimit(kind, (most, most))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
