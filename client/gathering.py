"""The source of a function as a file of its own: what it needs of the notebook or script around it comes along.

Its text and that of the functions and classes it names, the imports, and plain values such as numbers and text.
Anything else (a tensor, a network, an open file) exists in this process only, and is refused by name.
"""

import builtins
import cmath
import inspect
import symtable
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from core.domain.errors import InvalidInput
from core.domain.intake.report import ENTRY_FUNCTION

LAMBDA = "<lambda>"
PLAIN = (bool, int, float, complex, str, bytes, type(None))


def make_source(function: Callable[..., Any]) -> str:
    """The file that submitting this function uploads. Raises InvalidInput where it could not run elsewhere."""
    if not isinstance(function, FunctionType):
        raise InvalidInput(f"a function is needed, not {_name_kind(function)}")
    if function.__name__ != ENTRY_FUNCTION:
        raise InvalidInput(f"the function is called {function.__name__!r}; name it {ENTRY_FUNCTION!r}")
    if function.__closure__:
        raise InvalidInput(f"{ENTRY_FUNCTION}() was made inside another function; define it at the top of a cell")
    return _Gathering(function).write()


class _Gathering:
    """Names still to be looked up, and the lines that were found, in the order in which they have to stand."""

    def __init__(self, function: FunctionType) -> None:
        self._home = function.__globals__
        self._imports: set[str] = set()
        self._values: list[str] = []
        self._definitions: list[str] = []
        self._seen = {function.__name__}
        self._define(function)

    def write(self) -> str:
        head = "\n".join(sorted(self._imports, key=lambda line: (not line.startswith("from __future__"), line)))
        parts = [head, "\n".join(self._values), *self._definitions]
        return "\n\n\n".join(part for part in parts if part) + "\n"

    def _define(self, item: Any) -> None:
        try:
            text = textwrap.dedent(inspect.getsource(item)).rstrip()
        except (OSError, TypeError):
            raise InvalidInput(f"the text of {item.__name__!r} is not known here; write it to a file") from None
        for name in _list_globals(symtable.symtable(text, ENTRY_FUNCTION, "exec")):
            if name not in self._seen and name in self._home:
                self._seen.add(name)
                self._take(name, self._home[name])
        self._definitions.append(text)  # after what it names: decorators and defaults run at once

    def _take(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType):
            self._imports.add(_write_import(name, value))
        elif isinstance(value, FunctionType | type) and getattr(value, "__module__", None) == self._home["__name__"]:
            self._take_definition(name, value)
        elif _is_plain(value):
            self._values.append(f"{name} = {value!r}")
        elif _is_importable(value):
            alias = "" if value.__name__ == name else f" as {name}"
            self._imports.add(f"from {value.__module__} import {value.__name__}{alias}")
        elif (type(value).__module__, type(value).__name__) == ("torch", "device"):
            self._imports.add("import torch")
            self._values.append(f"{name} = torch.device({str(value)!r})")
        elif not hasattr(builtins, name):
            raise InvalidInput(
                f"it uses {name!r}, {_name_kind(value)} of this session, which does not exist where it will run:"
                " make it inside the function, or submit the file of the notebook"
            )

    def _take_definition(self, name: str, value: FunctionType | type) -> None:
        """Under its own name, and any other that it was given."""
        own = name if value.__name__ == LAMBDA else value.__name__  # its text is the assignment
        if own != name and self._home.get(own) is not value:
            raise InvalidInput(f"{name!r} was defined as {own!r}, which is something else here: define it as {name!r}")
        if own == name or own not in self._seen:
            self._seen.add(own)
            self._define(value)
        if own != name:
            self._definitions.append(f"{name} = {own}")


def _list_globals(scope: symtable.SymbolTable) -> Iterator[str]:
    """Names that a definition takes from around it; one's own variables may be called like others of the notebook."""
    for symbol in scope.get_symbols():
        is_outer = not symbol.is_assigned() if scope.get_type() == "module" else symbol.is_global()
        if symbol.is_referenced() and is_outer:
            yield symbol.get_name()
    for inner in scope.get_children():
        yield from _list_globals(inner)


def _write_import(name: str, module: ModuleType) -> str:
    path = module.__name__
    if path == name:
        return f"import {path}"
    parent, _, last = path.rpartition(".")
    return f"from {parent} import {last}" if parent and last == name else f"import {path} as {name}"


def _is_plain(value: Any) -> bool:
    """Whether its repr makes it again: not that of a named tuple, of a default dictionary, or of infinity."""
    kind = type(value)
    if kind is dict:
        return all(_is_plain(key) and _is_plain(inner) for key, inner in value.items())
    if kind in (list, tuple, set, frozenset):
        return all(_is_plain(inner) for inner in value)
    return kind in PLAIN and (kind not in (float, complex) or cmath.isfinite(value))


def _is_importable(value: Any) -> bool:
    """Whether another process finds it under the same name."""
    module, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
    return isinstance(module, str) and isinstance(name, str) and module != "__main__"


def _name_kind(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
