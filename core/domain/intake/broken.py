"""What fails on import though every import is there: a name that a module lost, an end, a file that was not sent."""

import ast
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.certain import Step, ends_here, iter_sure
from core.domain.intake.effects import FILE, METHODS, NETWORK, PROGRAM, Effects
from core.domain.intake.libraries import is_standard, load_catalog
from core.domain.intake.names import find_aliases, get_dotted
from core.domain.intake.report import show

LOST = ("AttributeError",)
ABSENT = ("OSError", "IOError", "EnvironmentError", "FileNotFoundError", "RuntimeError")
# what is told elsewhere, or is there
THERE = ("/usr/", "/etc/", "/proc/", "/sys/", "/dev/", "/opt/", "/tmp/", "/kaggle/", "/content/", "../input/")  # noqa: S108
SCRATCH = ("/kaggle/working/", "/kaggle/tmp/", "/kaggle/temp/", "/content/")  # the working folder, which is empty
WRITING = ("save", "dump", "write", "to_csv", "to_json", "to_pickle", "extract", "unpack")
MOVING = frozenset({"copy", "copy2", "copyfile", "copytree", "move", "rename", "replace"})
# find nothing, or make it
SEARCHES = frozenset(
    {"glob", "iglob", "walk", "makedirs", "mkdir", "remove", "unlink", "rmtree", "which", "disk_usage"}
)


def check_attributes(
    tree: ast.Module, steps: Iterable[Step], own: Mapping[str, frozenset[str]], *, locate: Callable[[int], str]
) -> None:
    """Raise the fault of `np.float` and the like: a module that is there, and has no such name.

    own: what can be had of the upload's own modules, by module.
    """
    aliases = _find_module_aliases(tree)
    set_here = {get_dotted(node) for node in ast.walk(tree) if _is_set(node)}
    for step in steps:
        if not step.place.is_certain or step.place.is_guarded(LOST):
            continue
        for node in iter_sure(step.node):
            dotted = get_dotted(node) if isinstance(node, ast.Attribute) else None
            missing = _find_missing(dotted, aliases, own) if dotted and dotted not in set_here else None
            if missing is not None:
                module, name = missing
                whose = "Python's own " if is_standard(module) else ""
                message = f"{locate(getattr(node, 'lineno', 1))}: {whose}{show(module)} has no {show(name)}"
                raise ParticipantFault(FaultCode.IMPORT_MISSING, message)


def check_ends(steps: Iterable[Step], *, locate: Callable[[int], str]) -> None:
    """Raise the fault of a file that always raises, or leaves, while it is imported."""
    for step in steps:
        if step.place.is_certain and not step.place.is_inside and not step.place.catches and ends_here(step.node):
            message = f"{locate(getattr(step.node, 'lineno', 1))}: the file ends here whenever it is imported"
            raise ParticipantFault(FaultCode.IMPORT_MISSING, message)


def check_reads(
    tree: ast.Module, steps: Iterable[Step], files: Collection[str], *, locate: Callable[[int], str]
) -> None:
    """Raise the fault of a file that is read on import and is not in the upload."""
    listed = list(steps)
    for call, path in find_lost_reads(tree, listed, files):
        message = f"{locate(call.lineno)}: {show(path)} is read on import, and is not in the upload"
        raise ParticipantFault(FaultCode.FILE_MISSING, message)
    for call, path in find_lost_reads(tree, listed, files, when_called=True):
        message = f"{locate(call.lineno)}: {show(path)} is read, and nothing writes it: it is not in the upload"
        raise ParticipantFault(FaultCode.FILE_MISSING, message)


def find_lost_reads(
    tree: ast.Module, steps: Iterable[Step], files: Collection[str], *, when_called: bool = False
) -> Iterator[tuple[ast.Call, str]]:
    """Calls that certainly read what was neither sent nor is named anywhere else in the file.

    when_called: in functions, where nothing in the file writes; else on import.
    """
    effects = Effects(find_aliases([node for node in ast.walk(tree) if isinstance(node, ast.stmt)]), {}, "")
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    named = Counter(node.value for node in nodes)
    if when_called and any(_may_write(node, effects) for node in ast.walk(tree)):
        return
    for step in steps:
        if not step.place.is_certain or step.place.is_inside is not when_called or step.place.is_guarded(ABSENT):
            continue
        for call in iter_sure(step.node):
            path = _find_read(call, effects)
            if path is not None and when_called:
                path = next((path.removeprefix(place) for place in SCRATCH if path.startswith(place)), path)
            if path is not None and named[path] <= 1 and not _is_there(path, files):
                yield call, path  # type: ignore[misc]


def _find_read(node: ast.AST, effects: Effects) -> str | None:
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
        return None
    path, name = node.args[0].value, (get_dotted(node.func) or "").split(".")[-1]
    if not isinstance(path, str) or not path or name in {*SEARCHES, *METHODS} or name.startswith(("save", "dump")):
        return None
    if "temp" in name.lower() or name.startswith("mk"):  # of `tempfile`
        return None
    if "://" in path or effects.find([ast.Call(node.func, [], [])]) != FILE or _writes(node):
        return None
    return path


def _may_write(node: ast.AST, effects: Effects) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) or ""
    reason = effects.find([ast.Call(node.func, [], [])])
    return (
        name.startswith(WRITING)
        or reason in (PROGRAM, NETWORK)
        or (reason == FILE and (name in MOVING or _writes(node)))
    )


def _writes(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(not isinstance(mode, ast.Constant) or set("wax+") & set(str(mode.value)) for mode in modes)


def _is_there(path: str, files: Collection[str]) -> bool:
    plain = path.removeprefix("./").rstrip("/")
    if f"{path}/".startswith(THERE) or plain in (".", "..", ""):
        return True
    return any(name == plain or name.startswith(f"{plain}/") for name in files)


def _find_module_aliases(tree: ast.Module) -> dict[str, str]:
    """Names of modules that nothing else in the file binds."""
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    found: dict[str, set[str]] = {}
    for statement in statements:
        for name, full in find_aliases([statement]).items():
            found.setdefault(name, set()).add(full)
    return {name: next(iter(full)) for name, full in found.items() if len(full) == 1 and name not in bound}


def _find_missing(dotted: str, aliases: Mapping[str, str], own: Mapping[str, frozenset[str]]) -> tuple[str, str] | None:
    root, *rest = dotted.split(".")
    module, catalog = aliases.get(root), load_catalog()
    for name in rest:
        if module is None:
            return None
        if module in own:
            is_there = name in own[module] or (name.startswith("__") and name.endswith("__"))
        elif module in catalog.names:
            is_there = catalog.has_name(module, name)
        else:
            return None
        if not is_there:
            return module, name
        module = f"{module}.{name}"
    return None


def _is_set(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
