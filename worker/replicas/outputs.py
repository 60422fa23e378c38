"""What is kept of a trained or unlearned model: its outputs on the splits, and how far its weights moved."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from core.domain.errors import PlatformFault

RELEARN_STEPS = 64  # of training on the forget set again (worker/replicas/relearn.py)
NOT_MEASURED = -1.0
PROBE = 4096  # examples kept of retain and of test: 256 replicas of a 60,000-image problem would be gigabytes

_DTYPES = {
    "forget_logits": np.dtype(np.float32),
    "retain_accuracy": np.dtype(np.float64),
    "forget_accuracy": np.dtype(np.float64),
    "test_accuracy": np.dtype(np.float64),
    "retain_confidence": np.dtype(np.float32),
    "retain_entropy": np.dtype(np.float32),
    "test_confidence": np.dtype(np.float32),
    "test_entropy": np.dtype(np.float32),
    "weight_change": np.dtype(np.float64),
    "relearn_loss": np.dtype(np.float32),
    "relearn_retain_loss": np.dtype(np.float32),
}
_ACCURACIES = ("retain_accuracy", "forget_accuracy", "test_accuracy")


@dataclass(frozen=True, slots=True)
class ModelOutputs:
    """Outputs of R models; accuracies are shares in [0, 1] of the labels as they stand in the splits.

    Training labels may be noisy, test labels are true. Logits may be anything; the evaluator judges them. Where a
    number is learnt, logits are its predictions, K = 1, accuracies are R², and there are no entropies.
    Confidences and entropies are of the first P retain and the first Q test examples, P and Q at most `PROBE`.
    """

    forget_logits: npt.NDArray[np.float32]  # (R, N, K)
    retain_accuracy: npt.NDArray[np.float64]  # (R,)
    forget_accuracy: npt.NDArray[np.float64]  # (R,)
    test_accuracy: npt.NDArray[np.float64]  # (R,)
    retain_confidence: npt.NDArray[np.float32]  # (R, P), the kind's statistic: nats of log odds of the label
    retain_entropy: npt.NDArray[np.float32]  # (R, P), nats; (R, 0) without classes
    test_confidence: npt.NDArray[np.float32]  # (R, Q)
    test_entropy: npt.NDArray[np.float32]  # (R, Q) or (R, 0)
    weight_change: npt.NDArray[np.float64]  # (R,), L2 distance to the original over its norm; 0 for pool members
    relearn_loss: npt.NDArray[np.float32]  # (R, RELEARN_STEPS + 1), nats; NOT_MEASURED for all but the first models
    relearn_retain_loss: npt.NDArray[np.float32]  # the same of training on retain examples

    def __post_init__(self) -> None:
        for name, dtype in _DTYPES.items():
            if getattr(self, name).dtype != dtype:
                raise ValueError(f"{name} must be {dtype}, not {getattr(self, name).dtype}")
        if self.forget_logits.ndim != 3:
            raise ValueError("forget_logits must have the axes model, example, class")
        self._check_vectors()
        self._check_probes()

    def _check_vectors(self) -> None:
        for name in (*_ACCURACIES, "weight_change"):
            values = getattr(self, name)
            if values.shape != (len(self),):
                raise ValueError(f"{name} must hold one value for each of {len(self)} models")
            if name in _ACCURACIES and not bool(np.all((values >= 0) & (values <= 1))):
                raise ValueError(f"{name} must lie in [0, 1]")
        if not bool(np.all((self.weight_change >= 0) & np.isfinite(self.weight_change))):
            raise ValueError("weight_change must be finite and not negative")
        for name in ("relearn_loss", "relearn_retain_loss"):
            losses = getattr(self, name)
            if losses.shape != (len(self), RELEARN_STEPS + 1) or not bool(np.isfinite(losses).all()):
                raise ValueError(f"{name} must hold {RELEARN_STEPS + 1} finite losses for each of {len(self)} models")

    def _check_probes(self) -> None:
        for split in ("retain", "test"):
            confidence, entropy = getattr(self, f"{split}_confidence"), getattr(self, f"{split}_entropy")
            if confidence.ndim != 2 or len(confidence) != len(self) or not 1 <= confidence.shape[1] <= PROBE:
                raise ValueError(f"{split}_confidence must hold 1 to {PROBE} values for each of {len(self)} models")
            if entropy.shape not in (confidence.shape, (len(self), 0)):
                raise ValueError(
                    f"{split}_entropy must have the shape of {split}_confidence, {confidence.shape}, or none"
                )

    def __len__(self) -> int:
        return len(self.forget_logits)

    def select(self, models: slice | npt.NDArray[np.int64]) -> "ModelOutputs":
        return ModelOutputs(**{field.name: getattr(self, field.name)[models] for field in fields(self)})


def concat_outputs(parts: Sequence[ModelOutputs]) -> ModelOutputs:
    """Join outputs along the model axis, in the given order."""
    if not parts:
        raise ValueError("there are no outputs to join")
    if len({tuple(getattr(part, name).shape[1:] for name in _DTYPES) for part in parts}) != 1:
        raise ValueError("the outputs are of different splits")
    return ModelOutputs(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _DTYPES})


def save_npz(outputs: ModelOutputs) -> bytes:
    """Return the same bytes for the same outputs."""
    stream = io.BytesIO()
    np.savez(stream, **{name: getattr(outputs, name) for name in _DTYPES})
    return stream.getvalue()


def load_npz(data: bytes) -> ModelOutputs:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            missing = [name for name in _DTYPES if name not in arrays.files]
            if missing:
                raise ValueError(f"there is no {missing[0]}: they are of an older version and must be made again")
            return ModelOutputs(**{name: arrays[name] for name in _DTYPES})
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise PlatformFault(f"stored model outputs cannot be read: {error}") from None
