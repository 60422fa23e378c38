"""Why a board changed, the digests that chain its changes, and the running best."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.domain.owner import Owner


class Cause(StrEnum):
    """What made a board change."""

    SCORED = "scored"
    OVER_BUDGET = "over_budget"
    ENDED = "ended"  # a newer attempt at a submission ended without a score
    DISQUALIFIED = "disqualified"
    REINSTATED = "reinstated"
    FLAG_DECIDED = "flag_decided"  # staff looked at what held an entry back, or took that back
    RENAMED = "renamed"  # a team took another name
    MERGED = "merged"  # two teams became one
    REJUDGED = "rejudged"  # a rejudge was promoted
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Record:
    """A ranked score that was higher than all before it."""

    submission_id: str
    at: datetime  # of acceptance
    score: float
    owner: Owner


def keep_records(scored: Iterable[Record]) -> list[Record]:
    """The running best, oldest first."""
    kept: list[Record] = []
    for each in sorted(scored, key=lambda each: (each.at, each.submission_id)):
        if not kept or each.score > kept[-1].score:
            kept.append(each)
    return kept


def update_records(
    standing: Sequence[Record], scored: Sequence[Record], *, owners: Sequence[Owner], submission_id: str | None
) -> list[Record] | None:
    """The running best after something became of some owners' submissions, or of one.

    standing: the running best before; scored: all that these owners have now. None if that does not tell: one of their
    records is gone, and what it outdid was not kept.
    """
    now = {(each.submission_id, each.at, each.score) for each in scored}
    concerned = {each.submission_id for each in scored} | {submission_id}
    others: list[Record] = []
    for each in standing:
        if each.owner not in owners and each.submission_id not in concerned:
            others.append(each)
        elif (each.submission_id, each.at, each.score) not in now:
            return None
    return keep_records([*others, *scored])


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
    parts = [previous, version, at.isoformat(), cause, sorted(gone), lines]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
