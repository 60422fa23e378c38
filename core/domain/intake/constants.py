"""Hyper-parameters of a method: the numbers that its file assigns to names in capitals at its top level."""

import ast
import re
from collections.abc import Iterator, Mapping

from core.domain.errors import InvalidInput

Number = int | float
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_PLACE = re.compile(r"(?P<path>.+?)(?::(?P<changes>[A-Z][A-Z0-9_]*=.*))?", re.DOTALL)


def split_changes(text: str) -> tuple[str, dict[str, Number]]:
    """Read `FILE` or `FILE:NAME=NUMBER,NAME=NUMBER`."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise InvalidInput("a file needs a name")
    return found["path"], dict(map(_read_change, (found["changes"] or "").split(","))) if found["changes"] else {}


def list_constants(source: str) -> dict[str, Number]:
    """Every such number, in the order of the file."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {name: value for node in tree.body if isinstance(node, ast.Assign) for name, value in _read_pairs(node)}


def set_constants(source: str, changes: Mapping[str, Number]) -> str:
    """The same file with other numbers: assigned again below it, before anything is called."""
    known = list_constants(source)
    unknown = [name for name in changes if name not in known]
    if unknown:
        raise InvalidInput(f"no such number: {unknown[0]}; the file has {', '.join(known) or 'none'}")
    lines = "".join(f"{name} = {value!r}\n" for name, value in changes.items())
    return f"{source.rstrip()}\n\n\n{lines}" if lines else source


def _read_pairs(node: ast.Assign) -> Iterator[tuple[str, Number]]:
    (target, *more) = node.targets
    if more:
        return
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    values = node.value.elts if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) else [node.value]
    if len(names) != len(values):
        return
    for name, value in zip(names, values, strict=True):
        number = _read_number(value)
        if isinstance(name, ast.Name) and _NAME.fullmatch(name.id) and number is not None:
            yield name.id, number


def _read_number(node: ast.expr) -> Number | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    value = node.value if isinstance(node, ast.Constant) else None
    return sign * value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _read_change(text: str) -> tuple[str, Number]:
    name, _, value = (part.strip() for part in text.partition("="))
    try:
        number = int(value) if re.fullmatch(r"[+-]?\d+", value) else float(value)
    except ValueError:
        raise InvalidInput(f"{text.strip()!r} is no NAME=NUMBER") from None
    if not _NAME.fullmatch(name) or number != number or number in (float("inf"), float("-inf")):
        raise InvalidInput(f"{text.strip()!r} is no NAME=NUMBER")
    return name, number
