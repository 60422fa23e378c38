"""Write TOML for people; the standard library only reads it."""

import json
import re
from collections.abc import Mapping
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")


def write_toml(values: Mapping[str, Any]) -> str:
    """Text, numbers, truth values, lists of them, and tables of these; what is None is left out."""
    return "\n\n".join(_write_table(values, "")) + "\n"


def _write_table(values: Mapping[str, Any], path: str) -> list[str]:
    known = {name: value for name, value in values.items() if value is not None}
    tables = {name: value for name, value in known.items() if isinstance(value, Mapping)}
    lines = [f"{_write_key(name)} = {_write_value(value)}" for name, value in known.items() if name not in tables]
    head = [f"[{path}]"] if path and (lines or not tables) else []
    blocks = ["\n".join([*head, *lines])] if head or lines else []
    for name, inner in tables.items():
        blocks += _write_table(inner, f"{path}.{_write_key(name)}" if path else _write_key(name))
    return blocks


def _write_key(name: str) -> str:
    return name if BARE.fullmatch(name) else _quote(name)


def _write_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_write_value, value))}]"
    text = str(value)
    if "\n" not in text:
        return _quote(text)
    lines = "\n".join(_quote(line)[1:-1] for line in text.split("\n"))
    return f'"""\n{lines}"""'


def _quote(text: str) -> str:
    """JSON escapes all that TOML wants escaped but one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
