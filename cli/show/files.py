"""Reading what a participant hands to a command."""

import os
from pathlib import Path

from core.domain.errors import InvalidInput
from core.domain.texts import decode_text
from core.starter import NAMES


def find_upload(path: Path) -> Path:
    """Of a folder as `lacuna init` makes it, the one submission in it; anything else stays what was named."""
    found = [path / name for name in NAMES if (path / name).is_file()]
    return found[0] if len(found) == 1 else path


def read_upload(path: Path) -> bytes:
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder: give one .py file, a .ipynb notebook, or a .zip")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidInput(f"no such file: {path}") from None
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from None


def read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from None
    return decode_text(content, str(path))


def check_writable(path: Path) -> None:
    """Say before minutes of work, not after, that its result has no place to go."""
    if path.is_dir():
        raise InvalidInput(f"cannot write {path}: it is a folder")
    place = path if path.exists() else path.absolute().parent
    if not os.access(place, os.W_OK):
        reason = "no permission" if place.exists() else f"there is no folder {place}"
        raise InvalidInput(f"cannot write {path}: {reason}")


def write_report(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}") from None
