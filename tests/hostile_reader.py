"""Stands in for the reader of uploads after a decoder was taken over: what it reads is what it does."""

import os
import signal
import socket
import sys
from pathlib import Path

from worker.data_sets.child import REFUSAL, REFUSED, RESULT, STARTED, TOO_MUCH_MEMORY, UPLOAD, limit


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0])
    limit(*map(int, arguments[2:]))
    (folder / STARTED).touch()
    deed, _, told = (folder / UPLOAD).read_bytes().partition(b":")
    if deed == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    while deed == b"spin":
        pass
    if deed == b"memory":
        try:
            bytearray(1 << 40)
        except MemoryError:
            return TOO_MUCH_MEMORY
    if deed == b"flood":
        (folder / RESULT).write_bytes(bytes(1 << 20))
    if deed == b"files":
        for number in range(4):
            (folder / str(number)).write_bytes(bytes(1 << 18))
    if deed == b"link":
        (folder / RESULT).symlink_to("/etc/passwd")
    if deed == b"forge":
        (folder / RESULT).write_bytes(told)
    if deed == b"look":
        (folder / REFUSAL).write_text("\n".join(look(Path(told.decode()))))
        return REFUSED
    return 0


def look(secret: Path) -> list[str]:
    found = [f"variable {name}" for name in os.environ if name.startswith("LACUNA")]
    found += ["secret"] if secret.exists() else []
    try:
        socket.create_connection(("127.0.0.1", 1), timeout=1)
    except ConnectionRefusedError:
        found.append("network")
    except OSError:
        pass
    try:
        Path("/usr/written").touch()
        found.append("writing")
    except OSError:
        pass
    return found or ["nothing"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
