"""The record of what staff did: every entry holds the digest of the one before, so none can be changed or left out."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what to which object."""

    actor: str
    action: str
    subject: str  # kind and id, such as "submission/…"
    detail: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A deed as it stands in the chain."""

    deed: Deed
    previous_sha256: str
    sha256: str


def hash_deed(deed: Deed, previous_sha256: str) -> str:
    """SHA-256 of the canonical JSON of a deed and of the digest before it."""
    body = {
        "previous": previous_sha256,
        "at": deed.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": deed.actor,
        "action": deed.action,
        "subject": deed.subject,
        "detail": deed.detail,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def find_break(links: Iterable[Link], head: str) -> int | None:
    """Return the place (from 0) of the first link that does not hold, or None if the chain leads to `head`."""
    previous, place = GENESIS, 0
    for place, link in enumerate(links):
        if link.previous_sha256 != previous or link.sha256 != hash_deed(link.deed, previous):
            return place
        previous = link.sha256
    return None if previous == head else place
