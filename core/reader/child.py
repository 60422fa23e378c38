"""`python -m core.reader.child CPU WALL MEMORY ANSWER`: read one upload after the other, each in a fork of its own.

The process itself looks at nothing: it passes the bytes of a request to a fork, which limits itself, reads, leaves
its answer in memory that both see, and ends. So a reading that goes wrong ends with its fork, and none finds anything
of an earlier one. It imports the standard library and `core.domain` alone.
"""

import contextlib
import os
import resource
import signal
import sys
from enum import StrEnum

from core.domain.errors import ParticipantFault
from core.domain.intake.reading import read_submission
from core.reader.wire import pack_fault, pack_files, receive, send

MOST_REQUEST_BYTES = 1 << 30  # whoever asks has bounded it already
MOST_OPEN_FILES = 16
NICENESS = 10  # pages and answers come first


class Ending(StrEnum):
    """How a fork ended."""

    ANSWERED = "answered"
    TIME = "time"
    MEMORY = "memory"
    CRASHED = "crashed"


OUT_OF_MEMORY = 4  # exit code
SIGNALS_OF_TIME = (signal.SIGXCPU, signal.SIGALRM)


def main(arguments: list[str]) -> None:
    wall_seconds = float(arguments[1])
    cpu_seconds, memory_bytes, answer_bytes = (int(arguments[place]) for place in (0, 2, 3))
    os.nice(NICENESS)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while (name := receive(requests, most=MOST_REQUEST_BYTES)) is not None:
        content, limit = (receive(requests, most=MOST_REQUEST_BYTES) for _ in range(2))
        if content is None or limit is None:
            return
        memory = os.memfd_create("answer")
        fork = os.fork()
        if fork == 0:
            _read_and_end(memory, (cpu_seconds, wall_seconds, memory_bytes, answer_bytes), name, content, int(limit))
        ending = _find_ending(os.waitpid(fork, 0)[1])
        send(answers, ending.encode(), _take(memory, answer_bytes) if ending is Ending.ANSWERED else b"")
        os.close(memory)


def _read_and_end(memory: int, limits: tuple[int, float, int, int], name: bytes, content: bytes, limit: int) -> None:
    """Runs in the fork, and never returns."""
    code = 1
    try:
        _limit(*limits)
        try:
            answer = pack_files(read_submission(name.decode(), content, limit_bytes=limit))
        except ParticipantFault as fault:
            answer = pack_fault(fault)
        with open(memory, "wb", closefd=False) as stream:
            stream.write(answer)
        code = 0
    except MemoryError:
        code = OUT_OF_MEMORY
    finally:
        os._exit(code)


def _limit(cpu_seconds: int, wall_seconds: float, memory_bytes: int, answer_bytes: int) -> None:
    """Hard limits, which nothing that is read from here on can lift."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        (resource.RLIMIT_FSIZE, answer_bytes, answer_bytes),
        (resource.RLIMIT_NOFILE, MOST_OPEN_FILES, MOST_OPEN_FILES),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as stream:
        stream.write("1000")  # the first to go when memory is short


def _find_ending(status: int) -> Ending:
    if os.WIFEXITED(status):
        return {0: Ending.ANSWERED, OUT_OF_MEMORY: Ending.MEMORY}.get(os.WEXITSTATUS(status), Ending.CRASHED)
    return Ending.TIME if os.WTERMSIG(status) in SIGNALS_OF_TIME else Ending.CRASHED


def _take(memory: int, most: int) -> bytes:
    return os.pread(memory, min(os.fstat(memory).st_size, most), 0)


if __name__ == "__main__":
    main(sys.argv[1:])
