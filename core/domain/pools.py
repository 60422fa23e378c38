"""Kinds of pools of trained models."""

from enum import StrEnum


class PoolKind(StrEnum):
    ORIGINAL = "original"  # trained on retain + forget; where unlearning starts
    RETRAINED = "retrained"  # trained on retain only; the ideal
    CONTROL = "control"  # a second, independent retrained bank: the visible ceiling


class PoolState(StrEnum):
    BUILDING = "building"
    SEALED = "sealed"
    ACTIVE = "active"
    RETIRED = "retired"
