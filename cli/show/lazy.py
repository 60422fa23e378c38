"""Late loading: `lacuna --help` and the HTTP commands must not wait for torch."""

import importlib
from typing import Any


def load(module: str, name: str) -> Any:
    """Return one function of a heavy module, importing the module only now."""
    return getattr(importlib.import_module(module), name)
