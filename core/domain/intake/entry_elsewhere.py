"""The entry function where another file of the upload brings it: judged there like one of the entry file itself."""

import ast
from collections.abc import Mapping

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.bound import find_module_names
from core.domain.intake.entry import find_bindings, has_star_import, iter_statements, judge_binding, refuse_missing
from core.domain.intake.imports import Own, find_start
from core.domain.intake.libraries import is_provided, load_catalog
from core.domain.intake.report import ENTRY_FILE, ENTRY_FUNCTION, show

HOPS = 4


def check_entry_elsewhere(trees: Mapping[str, ast.Module], name: str) -> None:
    """Raise the fault of an entry function that is imported and cannot be called, or that no star import brings.

    trees: of every Python file by its path; name: of the upload.
    """
    own = Own(trees)
    body = trees[ENTRY_FILE].body
    bound = find_bindings(body, ENTRY_FUNCTION)
    if not bound and has_star_import(body):
        stars = [each for each in iter_statements(body) if isinstance(each, ast.ImportFrom) and _is_star(each)]
        if not any(_may_bring(star, ENTRY_FILE, own) for star in stars):
            raise refuse_missing(trees[ENTRY_FILE], show(name))
        return
    faults = [_judge(each, ENTRY_FILE, ENTRY_FUNCTION, own) for each in bound]
    if faults and all(faults) and faults[-1] is not None:
        raise faults[-1]


def _judge(bound: ast.stmt, path: str, name: str, own: Own, hops: int = HOPS) -> ParticipantFault | None:
    """None as well for what stands in the entry file itself, which has been judged."""
    if not isinstance(bound, ast.ImportFrom) or not hops:
        return None
    asked = next((alias.name for alias in bound.names if (alias.asname or alias.name) == name), "")
    module = find_start(bound.module or "", bound.level, path)
    if not asked or module is None or not _is_found(module, own):
        return None
    inside = own.modules.get(module)
    tree = own.trees[inside] if inside else ast.Module(body=[], type_ignores=[])
    found = find_bindings(tree.body, asked)
    if not found and own.has(f"{module}.{asked}"):
        message = f"{show(path)}, line {bound.lineno}: {ENTRY_FUNCTION} is a module, not a function"
        return ParticipantFault(FaultCode.ENTRYPOINT_MISSING, message)
    if inside is None:
        return None
    faults = [
        judge_binding(tree.body, each, show(inside)) or _judge(each, inside, asked, own, hops - 1) for each in found
    ]
    return faults[-1] if all(faults) and faults else None


def _may_bring(star: ast.ImportFrom, path: str, own: Own, hops: int = HOPS) -> bool:
    module = find_start(star.module or "", star.level, path)
    if module is None or not hops:
        return True
    if not _is_found(module, own):
        return not is_provided(module)
    inside = own.modules.get(module)
    names = find_module_names(own.trees[inside]) if inside else frozenset()
    if names is not None or inside is None:
        return ENTRY_FUNCTION in (names or ())
    stars = [
        part for part in iter_statements(own.trees[inside].body) if isinstance(part, ast.ImportFrom) and _is_star(part)
    ]
    return not stars or any(_may_bring(each, inside, own, hops - 1) for each in stars)


def _is_found(module: str, own: Own) -> bool:
    """Whether the upload's own file is what an import of the module finds."""
    return own.has(module) and module.split(".")[0] not in load_catalog().loaded


def _is_star(statement: ast.ImportFrom) -> bool:
    return statement.names[0].name == "*"
