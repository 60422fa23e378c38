"""Files that notebooks of 2023 read: which of them a submission asks for, and whether a problem has them."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from core.domain.errors import ParticipantFault
from core.domain.faults import FaultCode
from core.domain.intake.batches import MAPPING_PROBLEM
from core.domain.intake.broken import ABSENT, SEARCHES
from core.domain.intake.certain import iter_sure, walk
from core.domain.intake.effects import FILE, Effects
from core.domain.intake.names import find_aliases, get_dotted
from core.domain.intake.report import ENTRY_FUNCTION, PREPARE_FUNCTION, SubmissionFiles, show

PLACES = ("/kaggle/input", "../input")
CURE = f"only practice problems in the shape of 2023 such as {MAPPING_PROBLEM} have it; take the data from the loaders"


@dataclass(frozen=True, slots=True)
class InputRead:
    source: str
    is_certain: bool  # it happens whenever the function is called


def wants_input(files: Mapping[str, bytes]) -> bool:
    """Whether a text names the folder at all; it is made for those alone."""
    return any(place.encode() in content for content in files.values() for place in PLACES)


def find_input_read(entry: ast.Module, others: Iterable[ast.Module]) -> InputRead | None:
    """The first read of the folder; in doubt, one that may not be reached."""
    certain = next(_iter_certain(entry), None)
    if certain is not None:
        return InputRead(_write(certain), is_certain=True)
    for tree in (entry, *others):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and _is_inside(node):
                return InputRead(_write(node), is_certain=False)
    return None


def check_input(read: SubmissionFiles, *, is_there: bool | None) -> tuple[str, ...]:
    """What to say of a submission on a problem, if one is known; raises ParticipantFault for what must fail there."""
    if not read.input_source or is_there:
        return ()
    message = f"`{read.input_source}` reads a folder that is not everywhere: {CURE}"
    if is_there is None:
        return (message,)
    message = f"`{read.input_source}` reads a folder that is not there: {CURE}"
    if read.must_have_input:
        raise ParticipantFault(FaultCode.FILE_MISSING, message, read=replace(read, files={}))
    return (f"{message} (only if that line is reached)",)


def _iter_certain(entry: ast.Module) -> Iterator[ast.Call]:
    """Calls that read it whenever the file is imported and called, and whose failure nothing catches."""
    effects = Effects(find_aliases([node for node in ast.walk(entry) if isinstance(node, ast.stmt)]), {}, "")
    for step in walk(entry, (ENTRY_FUNCTION, PREPARE_FUNCTION)):
        if step.place.is_certain and not step.place.is_guarded(ABSENT):
            calls = (node for node in iter_sure(step.node) if isinstance(node, ast.Call))
            yield from (call for call in calls if _reads(call, effects))


def _reads(call: ast.Call, effects: Effects) -> bool:
    first = call.args[0] if call.args else None
    if isinstance(first, ast.JoinedStr) and first.values:
        first = first.values[0]
    is_named = isinstance(first, ast.Constant) and _is_inside(first)
    is_search = (get_dotted(call.func) or "").split(".")[-1] in SEARCHES
    return is_named and not is_search and effects.find([ast.Call(call.func, [], [])]) == FILE


def _is_inside(node: ast.Constant) -> bool:
    value = node.value
    return isinstance(value, str) and any(value == place or value.startswith(f"{place}/") for place in PLACES)


def _write(node: ast.AST) -> str:
    try:
        return show(ast.unparse(node))
    except (ValueError, RecursionError):
        return PLACES[0]
