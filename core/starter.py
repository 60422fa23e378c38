"""What participants start from: one documented file, as Python and as a notebook."""

import json
from pathlib import Path

STARTER = Path(__file__).parent / "starter_files" / "submission.py"
NAMES = ("submission.py", "submission.ipynb")
FIRST_CELL = """# A Lacuna submission as a notebook

Upload this very file: imports, functions and constants are kept, everything else is left out.
`lacuna validate submission.ipynb` shows what that means for it."""


def read_starter(name: str) -> str:
    """The content of `submission.py` or `submission.ipynb`."""
    source = STARTER.read_text(encoding="utf-8")
    return _make_notebook(source) if name.endswith(".ipynb") else source


def _make_notebook(source: str) -> str:
    """nbformat 4.5, one cell of text and one of code."""
    meta = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    text: dict[str, object] = {"cell_type": "markdown", "id": "about", "metadata": {}, "source": FIRST_CELL}
    code: dict[str, object] = {"cell_type": "code", "id": "unlearning", "metadata": {}, "source": source}
    code |= {"execution_count": None, "outputs": []}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": meta, "cells": [text, code]}, indent=1)
