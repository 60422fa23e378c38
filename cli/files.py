"""Reading what a participant hands to a command."""

from pathlib import Path

from core.domain.errors import InvalidInput


def read_upload(path: Path) -> bytes:
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder: give one .py file, a .ipynb notebook, or a .zip")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidInput(f"no such file: {path}") from None
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from None


def write_report(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}") from None
