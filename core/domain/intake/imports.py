"""Whether the imports of a submission succeed where it runs: resolved from its text, in the sandbox's own order.

First what is loaded already, then the files of the submission, then Python's own modules and the libraries.
"""

import ast
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.asked import Asked, find_imports
from core.domain.intake.bound import find_module_names
from core.domain.intake.certain import Step, walk
from core.domain.intake.libraries import PROVIDED, describe_libraries, get_top, is_provided, is_standard, load_catalog
from core.domain.intake.report import ENTRY_FILE, ENTRY_FUNCTION, PREPARE_FUNCTION, list_names, show

ENTRY_MODULE = ENTRY_FILE.removesuffix(".py")
INIT = "__init__.py"
CALLED = (ENTRY_FUNCTION, PREPARE_FUNCTION)
SHOWN_DOUBTS = 4
Locate = Callable[[str, int], str]


@dataclass(slots=True)
class Own:
    """The files of a submission as modules."""

    trees: Mapping[str, ast.Module]  # by path
    modules: dict[str, str] = field(default_factory=dict)  # path by dotted name
    folders: set[str] = field(default_factory=set)  # dotted, with or without an __init__.py

    def __post_init__(self) -> None:
        for path in sorted(self.trees, key=lambda each: each.endswith(INIT)):  # a package wins over a module
            parts = PurePosixPath(path).parts
            self.folders.update(".".join(parts[:end]) for end in range(1, len(parts)))
            name = ".".join(parts[:-1] if parts[-1] == INIT else (*parts[:-1], parts[-1].removesuffix(".py")))
            if name and path != ENTRY_FILE:
                self.modules[name] = path

    def has(self, module: str) -> bool:
        return module in self.modules or module in self.folders

    def is_package(self, module: str) -> bool:
        path = self.modules.get(module)
        return path.endswith(INIT) if path else module in self.folders

    def is_regular(self, top: str) -> bool:
        return top in self.modules


@dataclass(frozen=True, slots=True)
class Traced:
    """What importing the entry file runs."""

    doubts: tuple[str, ...]
    steps: Mapping[str, list[Step]]  # of the files that are certainly imported, by path
    own: Mapping[str, frozenset[str]]  # what can be had of modules of the upload, where their text tells


def trace_imports(trees: Mapping[str, ast.Module], *, locate: Locate) -> Traced:
    """Raise the fault of an import that certainly fails; tell of those that fail once they are reached.

    trees: of every Python file by its path; locate: how the author finds a line of one.
    """
    own = Own(trees)
    steps = {path: walk(tree, CALLED if path == ENTRY_FILE else ()) for path, tree in trees.items()}
    doubts: list[str] = []
    seen: dict[str, bool] = {}  # whether it certainly runs
    waiting = [(ENTRY_FILE, True)]
    while waiting:
        path, is_certain = waiting.pop(0)
        if seen.get(path, False) or (path in seen and not is_certain):
            continue
        seen[path] = is_certain
        for asked, is_sure, reason in _judge_all(find_imports(trees[path], steps[path]), path, own):
            if reason is not None and not asked.is_guarded:
                message = f"{locate(path, asked.line)}: {reason}"
                if is_sure and is_certain:
                    raise ParticipantFault(FaultCode.IMPORT_MISSING, message)
                doubts.append(f"{message} (only if that line is reached)")
            waiting.extend((file, is_certain and is_sure) for file in _find_files(asked, path, own))
    told = (*dict.fromkeys(doubts[:SHOWN_DOUBTS]), *_find_shadows(own))
    sure = {path: steps[path] for path, is_certain in seen.items() if is_certain}
    return Traced(told, sure, _list_own_names(own))


def find_start(module: str, level: int, path: str) -> str | None:
    """The module that `from ..module import` in that file names; None above the outermost package."""
    if not level:
        return module
    package = list(PurePosixPath(path).parts[:-1])
    kept = len(package) - (level - 1)
    return ".".join([*package[:kept], *([module] if module else [])]) if kept > 0 else None


def _list_own_names(own: Own) -> dict[str, frozenset[str]]:
    """Of modules that are found where the upload has them; a submodule counts, for something may have imported it."""
    found = {}
    for module, path in own.modules.items():
        top = get_top(module)
        names = find_module_names(own.trees[path])
        if names is not None and top not in load_catalog().loaded and not is_provided(top):
            inside = {name.split(".")[-1] for name in (*own.modules, *own.folders) if name.rpartition(".")[0] == module}
            found[module] = names | inside
    return found


def _judge_all(found: list[Asked], path: str, own: Own) -> Iterator[tuple[Asked, bool, str | None]]:
    """Each import, whether it surely runs, and why it fails; where one fails in a `try`, its handler runs."""
    failed: set[int] = set()
    for asked in found:
        reason = _find_obstacle(asked, path, own)
        is_sure = asked.place.is_certain or asked.place.rescue in failed
        if reason is not None and is_sure and asked.place.attempt:
            failed.add(asked.place.attempt)
        yield asked, is_sure, reason


def _find_obstacle(asked: Asked, path: str, own: Own) -> str | None:
    """Why an import fails, in a clause with the cure; None if it does not, or nobody can tell."""
    if asked.level:
        return _judge_relative(asked, path, own)
    reason = _judge_module(asked.module, own, asked)
    return reason or _judge_names(asked.module, asked.names, own)


def _judge_relative(asked: Asked, path: str, own: Own) -> str | None:
    base = find_start(asked.module, asked.level, path)
    if base is None:
        plain = asked.module or list_names(list(asked.names))
        cure = f"from {asked.module} import {', '.join(asked.names)}" if asked.module else f"import {plain}"
        lacks = "" if own.has(get_top(plain)) else f", and upload a .zip with {get_top(plain)}.py beside {ENTRY_FILE}"
        return f"{show(asked.text)} has no package to start from here: write `{show(cure)}`{lacks}"
    if not own.has(base):
        return f"{show(asked.text)} asks for {show(base)}, which is not in the upload{_suggest(base, own)}"
    return _judge_names(base, asked.names, own)


def _judge_module(module: str, own: Own, asked: Asked) -> str | None:
    top = get_top(module)
    catalog = load_catalog()
    if top == ENTRY_MODULE:
        return None if module == top else f"{ENTRY_MODULE} is the entry file itself, not a package: rename the folder"
    if top not in catalog.loaded and (own.is_regular(top) or (own.has(top) and not is_provided(top))):
        return _judge_own(module, own)
    if top in catalog.loaded or is_provided(top):
        if catalog.has_module(module):
            return None
        return f"{_name_library(top)} has no module {show(module)}{_blame_own(top, own)}"
    if asked.may_move_path and any(top in PurePosixPath(path).with_suffix("").parts for path in own.trees):
        return None  # sys.path is changed by the code: it may be found
    suggestion = _suggest(module, own)
    if suggestion:
        return f"there is no module {show(module)} in the upload{suggestion}"
    return (
        f"{show(top)} is not in the sandbox, and nothing can be installed (a file of your own belongs beside"
        f" {ENTRY_FILE} in a .zip); there is {describe_libraries()}"
    )


def _judge_own(module: str, own: Own) -> str | None:
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        if not own.has(name):
            return f"there is no module {show(name)} in the upload{_suggest(name, own)}"
        if end < len(parts) and not own.is_package(name):
            return f"{show(name)} is a file, not a package: {show(module)} cannot be in it"
    return None


def _judge_names(module: str, names: Iterable[str], own: Own) -> str | None:
    top = get_top(module)
    if top in load_catalog().loaded or not own.has(module):
        lacks = [name for name in names if name != "*" and not load_catalog().has_name(module, name)]
        return f"{_name_library(module)} has no {show(lacks[0])}{_blame_own(top, own)}" if lacks else None
    path = own.modules.get(module)
    known = find_module_names(own.trees[path]) if path else frozenset()
    if known is None or module == ENTRY_MODULE:
        return None
    for name in names:
        if name != "*" and name not in known and not own.has(f"{module}.{name}") and not _is_dunder(name):
            close = difflib.get_close_matches(name, known, 1)
            return f"{show(path or module)} has no {show(name)}" + (f"; is {show(close[0])} meant?" if close else "")
    return None


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _name_library(module: str) -> str:
    return f"Python's own {show(module)}" if is_standard(module) else show(module)


def _blame_own(top: str, own: Own) -> str:
    return f"; it is loaded before your {show(own.modules.get(top, top))}: rename yours" if own.has(top) else ""


def _suggest(module: str, own: Own) -> str:
    """A module of one's own that was probably meant."""
    leaf = module.split(".")[-1]
    moved = [name for name in own.modules if name.split(".")[-1] == leaf]
    close = moved or difflib.get_close_matches(module, own.modules, 1)
    return f"; is {show(close[0])} meant?" if close else ""


def _find_files(asked: Asked, path: str, own: Own) -> list[str]:
    """The files of one's own that an import runs, packages on the way included."""
    base = find_start(asked.module, asked.level, path)
    if not base or get_top(base) in load_catalog().loaded or asked.is_guarded:
        return []
    parts = base.split(".")
    names = [".".join(parts[:end]) for end in range(1, len(parts) + 1)] + [f"{base}.{name}" for name in asked.names]
    return [own.modules[name] for name in names if name in own.modules]


def _find_shadows(own: Own) -> tuple[str, ...]:
    """Files named like what Python or a library brings: which of the two is found depends on what is loaded."""
    tops = {get_top(name) for name in (*own.modules, *own.folders)}
    shadows = sorted(top for top in tops if top in PROVIDED or is_standard(top) or top == "sandbox")
    return tuple(
        f"{show(own.modules.get(top, top))} has the name of a module that is there already"
        f"{' and is never found' if top in load_catalog().loaded else ''}: rename it"
        for top in shadows
    )
