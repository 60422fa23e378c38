"""Pools of trained models: their kinds, where they are, and what they are sealed with."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from core.domain.errors import IllegalTransition


class PoolKind(StrEnum):
    ORIGINAL = "original"  # trained on retain + forget; where unlearning starts
    RETRAINED = "retrained"  # trained on retain only; the ideal
    CONTROL = "control"  # a second, independent retrained bank: the visible ceiling


def estimate_seconds_left(finished: int, total: int, seconds: float) -> float | None:
    """How long the rest takes if it goes on as it did for `seconds`; None before anything is finished."""
    return None if finished <= 0 else seconds * max(total - finished, 0) / finished


class PoolState(StrEnum):
    BUILDING = "building"  # chunk by chunk
    SEALED = "sealed"  # whole; the digest of every member is written down
    ACTIVE = "active"  # what submissions are scored against
    RETIRED = "retired"  # nothing is scored against it any more


# sealed again from retired: its problem is prepared once more, and what is in the store is what was sealed
POOL_MOVES: dict[PoolState, frozenset[PoolState]] = {
    PoolState.BUILDING: frozenset({PoolState.SEALED}),
    PoolState.SEALED: frozenset({PoolState.ACTIVE, PoolState.RETIRED}),
    PoolState.ACTIVE: frozenset({PoolState.RETIRED}),
    PoolState.RETIRED: frozenset({PoolState.SEALED}),
}


def check_pool_move(current: PoolState, target: PoolState) -> None:
    if target not in POOL_MOVES[current]:
        raise IllegalTransition(f"a pool that is {current} cannot become {target}")


def compute_seal_digest(chunks: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of the canonical JSON of what a pool's chunks were sealed with."""
    return hashlib.sha256(json.dumps(chunks, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
