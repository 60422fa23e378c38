"""What is learnt of an example: its class, or a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from sandbox.kinds.parts import Array, Statistic


@dataclass(frozen=True)
class Classes:
    """One of K classes, by cross-entropy; outputs are logits."""

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.int64)
    has_classes: ClassVar[bool] = True
    share: ClassVar[str] = "accuracy"
    statistic: ClassVar[Statistic] = Statistic.LOG_ODDS

    def weigh(self, *, label_smoothing: float, class_weights: Sequence[float] | None) -> "Classes":
        return Classes(label_smoothing, None if class_weights is None else tuple(class_weights))

    def check(self, y: Array, class_names: Sequence[str]) -> None:
        if y.dtype != self.dtype:
            raise ValueError(f"labels must be whole numbers of type int64, not {y.dtype}")
        if len(class_names) < 2:
            raise ValueError(f"there must be two classes or more, not {len(class_names)}")
        if len(y) and (int(y.min()) < 0 or int(y.max()) >= len(class_names)):
            raise ValueError("a label is outside the classes")
        if self.class_weights is not None and len(self.class_weights) != len(class_names):
            raise ValueError(f"the recipe has {len(self.class_weights)} class weights for {len(class_names)} classes")

    def count_outputs(self, classes: int) -> int:
        return classes

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(outputs, y, weight=self._weigh(outputs), label_smoothing=self.label_smoothing)

    def compute_gradient(self, outputs: Tensor, y: Tensor) -> Tensor:
        error = torch.softmax(outputs, dim=2)
        if self != Classes():
            return self._compute_weighed(error, y)
        error.scatter_add_(2, y[..., None], torch.full_like(error[..., :1], -1.0))
        error /= y.shape[1]
        return error

    def _compute_weighed(self, chances: Tensor, y: Tensor) -> Tensor:
        """As torch weighs: the mean over the weights of the true classes, smoothing spread over all of them."""
        classes = chances.shape[-1]
        weights = self._weigh(chances)
        weights = torch.ones_like(chances[0, 0]) if weights is None else weights
        own = weights[y][..., None]
        wanted = (self.label_smoothing / classes * weights).expand_as(chances).clone()
        wanted.scatter_add_(2, y[..., None], (1 - self.label_smoothing) * own)
        return (chances * wanted.sum(dim=2, keepdim=True) - wanted) / own.sum(dim=1, keepdim=True)

    def _weigh(self, like: Tensor) -> Tensor | None:
        return None if self.class_weights is None else like.new_tensor(self.class_weights)

    def measure(self, outputs: Array, y: Array) -> npt.NDArray[np.float64]:
        """Accuracy."""
        return np.asarray((outputs.argmax(axis=2) == y).mean(axis=1), dtype=np.float64)

    def draw_noise(self, y: Array, count: int, *, classes: int, rng: np.random.Generator) -> Array:
        del y
        return rng.integers(classes, size=count)

    def name(self, value: Any, class_names: Sequence[str]) -> str:
        return class_names[int(value)]


class Number:
    """One real number, by squared error; the output is its prediction."""

    dtype: np.dtype[Any] = np.dtype(np.float32)
    has_classes = False
    share = "R²"
    statistic = Statistic.MINUS_SQUARED_ERROR

    def weigh(self, *, label_smoothing: float, class_weights: Sequence[float] | None) -> "Number":
        if label_smoothing or class_weights is not None:
            raise ValueError("label smoothing and class weights are for classes, and a number is learnt")
        return self

    def check(self, y: Array, class_names: Sequence[str]) -> None:
        if y.dtype != self.dtype:
            raise ValueError(f"targets must be real numbers of type float32, not {y.dtype}")
        if class_names:
            raise ValueError("numbers have no classes to name")
        if not np.isfinite(y).all():
            raise ValueError("targets hold values that are not finite")

    def count_outputs(self, classes: int) -> int:
        del classes
        return 1

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(outputs[:, 0], y)

    def compute_gradient(self, outputs: Tensor, y: Tensor) -> Tensor:
        return (outputs - y[..., None]).mul_(2 / y.shape[1])

    def measure(self, outputs: Array, y: Array) -> npt.NDArray[np.float64]:
        """R², the share of the variance that a model explains; 0 where it is worse than the mean."""
        true = y.astype(np.float64)
        left = ((outputs[:, :, 0].astype(np.float64) - true) ** 2).sum(axis=1)
        total = float(((true - true.mean()) ** 2).sum())
        if total == 0:
            return np.asarray(left == 0, dtype=np.float64)
        return np.asarray(np.clip(1 - left / total, 0.0, 1.0), dtype=np.float64)

    def draw_noise(self, y: Array, count: int, *, classes: int, rng: np.random.Generator) -> Array:
        """Other examples' targets: of the same law, and of no use."""
        del classes
        return rng.choice(y, size=count)

    def name(self, value: Any, class_names: Sequence[str]) -> str:
        del class_names
        return f"{float(value):.4g}"
