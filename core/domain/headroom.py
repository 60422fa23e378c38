"""How far the plain loop that retraining is measured by stands behind the fastest way to train one model.

A budget of a tenth of the plain loop is half a retraining to whoever trains five times as fast: then the gate measures
how well a program is written, not how little work it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

UNFIT_ABOVE = 2.0


class Trainer(StrEnum):
    """Ways to train one model from scratch that give the same model."""

    PLAIN = "plain"  # torch's optimizer, batch by batch: what participants write
    CHANNELS_LAST = "channels_last"  # fused steps, images channels-last
    STACKED = "stacked"  # torch.func, or gradients by hand of linear layers
    NUMPY = "numpy"  # linear layers without torch


@dataclass(frozen=True, slots=True)
class Headroom:
    """Milliseconds of one training step, medians of rounds that were taken in turns."""

    plain_ms: float
    fastest_ms: float
    trainer: Trainer  # the fastest

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(float(stored["plain_ms"]), float(stored["fastest_ms"]), Trainer(stored["trainer"]))

    @property
    def ratio(self) -> float:
        return self.plain_ms / self.fastest_ms

    @property
    def is_fit_for_prizes(self) -> bool:
        return self.ratio <= UNFIT_ABOVE
