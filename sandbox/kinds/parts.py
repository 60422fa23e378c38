"""What a kind of problem says, in two halves: how an example looks, and what is learnt of it.

Numpy and torch only: a kind is seen in the box and outside of it, and knows nothing of either. The loss, the shares
and what is shown of an example are here; the statistic that attacks see is named here and computed by the evaluator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

Array = npt.NDArray[Any]


class Statistic(StrEnum):
    """The one number that attacks see of a model and an example: higher where the model does better."""

    LOG_ODDS = "log_odds"  # of the true class
    MINUS_SQUARED_ERROR = "minus_squared_error"


@dataclass(frozen=True, slots=True)
class Picture:
    pixels: Array  # (C, H, W), C is 1 or 3; any range


@dataclass(frozen=True, slots=True)
class Words:
    text: str


Shown = Picture | Words


class Inputs(Protocol):
    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def noun(self) -> str:
        """What one example is called."""

    def check(self, x: Array, names: Sequence[str]) -> None:
        """Refuse with ValueError what cannot be such examples; names: of columns or tokens, if there are any."""

    def show(self, example: Array, names: Sequence[str]) -> Shown | None:
        """One example for a reader; None where it cannot be shown."""


class Targets(Protocol):
    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def has_classes(self) -> bool:
        """Whether an output is a vector of logits over classes."""

    @property
    def share(self) -> str:
        """What the shares that `measure` gives are called."""

    @property
    def statistic(self) -> Statistic: ...

    def weigh(self, *, label_smoothing: float, class_weights: Sequence[float] | None) -> "Targets":
        """The same with a loss of another recipe; ValueError where there are no classes to weigh."""

    def check(self, y: Array, class_names: Sequence[str]) -> None:
        """Refuse with ValueError what cannot be such targets."""

    def count_outputs(self, classes: int) -> int:
        """How many numbers a network answers with for one example."""

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The mean over a batch, never negative; outputs: (B, K), y: (B,)."""

    def compute_gradient(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The derivative of each member's loss by its outputs; outputs: (R, B, K), y: (R, B). May write to outputs."""

    def measure(self, outputs: Array, y: Array) -> npt.NDArray[np.float64]:
        """How good R models are, as (R,) shares in [0, 1]; outputs: (R, N, K), y: (N,)."""

    def draw_noise(self, y: Array, count: int, *, classes: int, rng: np.random.Generator) -> Array:
        """Targets that are taken for true although they were drawn at random."""

    def name(self, value: Any, class_names: Sequence[str]) -> str:
        """One target for a reader."""


@dataclass(frozen=True, slots=True)
class Kind:
    inputs: Inputs
    targets: Targets
