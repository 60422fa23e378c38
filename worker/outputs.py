"""What is kept of a trained or unlearned model: outputs on the forget set and three accuracies."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from core.domain.errors import PlatformFault

_DTYPES = {
    "forget_logits": np.dtype(np.float32),
    "retain_accuracy": np.dtype(np.float64),
    "forget_accuracy": np.dtype(np.float64),
    "test_accuracy": np.dtype(np.float64),
}


@dataclass(frozen=True, slots=True)
class ModelOutputs:
    """Outputs of R models; accuracies are shares in [0, 1] of the labels as they stand in the splits.

    Training labels may be noisy, test labels are true. Logits may be anything; the evaluator judges them.
    """

    forget_logits: npt.NDArray[np.float32]  # (R, N, K)
    retain_accuracy: npt.NDArray[np.float64]  # (R,)
    forget_accuracy: npt.NDArray[np.float64]  # (R,)
    test_accuracy: npt.NDArray[np.float64]  # (R,)

    def __post_init__(self) -> None:
        for name, dtype in _DTYPES.items():
            if getattr(self, name).dtype != dtype:
                raise ValueError(f"{name} must be {dtype}, not {getattr(self, name).dtype}")
        if self.forget_logits.ndim != 3:
            raise ValueError("forget_logits must have the axes model, example, class")
        for name in ("retain_accuracy", "forget_accuracy", "test_accuracy"):
            values = getattr(self, name)
            if values.shape != (len(self),):
                raise ValueError(f"{name} must hold one value for each of {len(self)} models")
            if not bool(np.all((values >= 0) & (values <= 1))):
                raise ValueError(f"{name} must lie in [0, 1]")

    def __len__(self) -> int:
        return len(self.forget_logits)

    def select(self, models: slice | npt.NDArray[np.int64]) -> "ModelOutputs":
        return ModelOutputs(**{field.name: getattr(self, field.name)[models] for field in fields(self)})


def concat_outputs(parts: Sequence[ModelOutputs]) -> ModelOutputs:
    """Join outputs along the model axis, in the given order."""
    if not parts:
        raise ValueError("there are no outputs to join")
    if len({part.forget_logits.shape[1:] for part in parts}) != 1:
        raise ValueError("the outputs are of different forget sets")
    return ModelOutputs(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _DTYPES})


def save_npz(outputs: ModelOutputs) -> bytes:
    """Return the same bytes for the same outputs."""
    stream = io.BytesIO()
    np.savez(stream, **{name: getattr(outputs, name) for name in _DTYPES})
    return stream.getvalue()


def load_npz(data: bytes) -> ModelOutputs:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return ModelOutputs(**{name: arrays[name] for name in _DTYPES})
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise PlatformFault(f"stored model outputs cannot be read: {error}") from None
