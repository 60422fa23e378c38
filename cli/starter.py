"""`lacuna init`: a file to start from."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.console import print_line
from core.domain.errors import InvalidInput

STARTER = Path(__file__).parent / "starter_files" / "submission.py"
FIRST_CELL = """# A Lacuna submission as a notebook

Upload this very file: imports, functions and constants are kept, everything else is left out.
`lacuna validate submission.ipynb` shows what that means for it."""


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")] = Path(),
    notebook: Annotated[bool, typer.Option("--notebook", help="Write submission.ipynb instead.")] = False,
) -> None:
    """Write a documented submission to start from."""
    path = folder / ("submission.ipynb" if notebook else "submission.py")
    source = STARTER.read_text(encoding="utf-8")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:  # never over somebody's work
            stream.write(json.dumps(_make_notebook(source), indent=1) if notebook else source)
    except FileExistsError:
        raise InvalidInput(f"{path} is there already; name another folder") from None
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}") from None
    print_line(f"wrote {path}; next: lacuna doctor {path}")


def _make_notebook(source: str) -> dict[str, Any]:
    """nbformat 4.5, one cell of text and one of code."""
    meta = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    text: dict[str, Any] = {"cell_type": "markdown", "id": "about", "metadata": {}, "source": FIRST_CELL}
    code: dict[str, Any] = {"cell_type": "code", "id": "unlearning", "metadata": {}, "source": source}
    code |= {"execution_count": None, "outputs": []}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": meta, "cells": [text, code]}
