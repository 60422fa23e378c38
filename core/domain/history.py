"""Why a board changed, and the digests that chain its changes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any


class Cause(StrEnum):
    """What made a board change."""

    SCORED = "scored"
    OVER_BUDGET = "over_budget"
    ENDED = "ended"  # a newer attempt at a submission ended without a score
    DISQUALIFIED = "disqualified"
    REINSTATED = "reinstated"
    RENAMED = "renamed"  # a team took another name
    MERGED = "merged"  # two teams became one
    REJUDGED = "rejudged"  # a rejudge was promoted
    PUBLISHED = "published"
    ADOPTED = "adopted"  # the board was there before its history


def hash_change(
    previous: str,
    *,
    version: int,
    at: datetime,
    cause: Cause,
    gone: Sequence[str],
    come: Sequence[Mapping[str, Any]],
) -> str:
    """SHA-256 over a change and the one before it: two boards of one digest have the same whole history.

    gone: evaluations whose lines went; come: bodies of the lines that came, both in any order.
    """
    lines = sorted(json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for body in come)
    parts = [previous, version, at.isoformat(), cause.value, sorted(gone), lines]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
