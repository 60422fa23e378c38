"""The difference between what there is and what a file asks for; pure."""

import hashlib
from collections.abc import Mapping
from typing import Any

from api.configure.schemas import Change

SHOWN_ITEMS = 12


def find_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any], path: str = "") -> list[Change]:
    """Every value that differs, by its path; a part that is new is listed value by value."""
    found: list[Change] = []
    known = before or {}
    for name in [*after, *(name for name in known if name not in after)]:
        old, new, where = known.get(name), after.get(name), f"{path}{name}"
        if isinstance(new, Mapping) and (old is None or isinstance(old, Mapping)):
            found += find_changes(old, new, f"{where}.")
        elif old != new:
            found.append(Change(field=where, before=shorten(old), after=shorten(new)))
    return found


def shorten(value: Any) -> Any:
    """Long lists, such as ids, by their length and digest: a diff is read by people."""
    if isinstance(value, list) and len(value) > SHOWN_ITEMS:
        digest = hashlib.sha256(repr(value).encode()).hexdigest()
        return f"{len(value)} items, SHA-256 {digest[:12]}…"
    return value
