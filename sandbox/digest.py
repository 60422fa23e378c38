"""A fingerprint of this package, so that a host never talks to a guest made of other code."""

import hashlib
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def source_digest(folder: Path = PACKAGE) -> str:
    """SHA-256 over the names and contents of the package's Python files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(source_digest() + "\n")
