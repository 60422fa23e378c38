"""`lacuna init`: a file to start from."""

from pathlib import Path
from typing import Annotated

import typer

from cli.show.console import print_line
from core.domain.errors import InvalidInput
from core.starter import read_starter


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")] = Path(),
    notebook: Annotated[bool, typer.Option("--notebook", help="Write submission.ipynb instead.")] = False,
) -> None:
    """Write a documented submission to start from."""
    path = folder / ("submission.ipynb" if notebook else "submission.py")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:  # never over somebody's work
            stream.write(read_starter(path.name))
    except FileExistsError:
        raise InvalidInput(f"{path} is there already; name another folder") from None
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}") from None
    print_line(f"wrote {path}; next: lacuna doctor {path}")
