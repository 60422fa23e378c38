"""Let code that is written for a notebook run outside one: bars are text, and what is only shown is not.

Set up in the parent, before any submission is read; where IPython is installed, that one is found.
"""

import builtins
import importlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

STOOD_IN = "IPython"
MODULES = (STOOD_IN, "IPython.display", "IPython.core", "IPython.core.display")


class _Shown:
    """Stands for whatever would be shown."""

    def __init__(self, *shown: Any, **options: Any) -> None:
        del shown, options

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Shown


class _StandIns(MetaPathFinder, Loader):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name in MODULES else None

    def exec_module(self, module: ModuleType) -> None:
        given = {"display": _show_nothing, "get_ipython": _find_no_shell, "version_info": (8, 0, 0, "")}
        vars(module).update(given, __version__="8.0.0", __getattr__=_give_shown)


def stand_in_for_jupyter() -> None:
    sys.meta_path.append(_StandIns())
    builtins.display = _show_nothing  # type: ignore[attr-defined]
    with suppress(ImportError):
        _give_text_bars(importlib.import_module("tqdm"))


def _give_text_bars(tqdm: Any) -> None:
    """`tqdm.notebook` needs widgets at the first bar, in whatever form it is imported."""
    module: Any = ModuleType("tqdm.notebook")
    module.tqdm = module.tqdm_notebook = tqdm.tqdm
    module.trange = module.tnrange = tqdm.trange
    sys.modules["tqdm.notebook"] = tqdm.notebook = module
    tqdm.tqdm_notebook, tqdm.tnrange = tqdm.tqdm, tqdm.trange


def _give_shown(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Shown


def _show_nothing(*shown: Any, **options: Any) -> None:
    del shown, options


def _find_no_shell() -> None:
    return None
