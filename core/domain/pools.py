"""Kinds of pools of trained models."""

from enum import StrEnum


class PoolKind(StrEnum):
    ORIGINAL = "original"  # trained on retain + forget; where unlearning starts
    RETRAINED = "retrained"  # trained on retain only; the ideal
    CONTROL = "control"  # a second, independent retrained bank: the visible ceiling


def estimate_seconds_left(finished: int, total: int, seconds: float) -> float | None:
    """How long the rest takes if it goes on as it did for `seconds`; None before anything is finished."""
    return None if finished <= 0 else seconds * max(total - finished, 0) / finished


class PoolState(StrEnum):
    BUILDING = "building"
    SEALED = "sealed"
    ACTIVE = "active"
    RETIRED = "retired"
