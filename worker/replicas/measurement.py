"""Runs a network over a problem's splits and keeps what the score and the metrics need."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from evaluator.inference import compute_logits
from evaluator.metrics.divergences import compute_entropy
from sandbox.kinds.parts import Targets
from worker.problems import LoadedProblem, Split
from worker.replicas.outputs import NOT_MEASURED, PROBE, RELEARN_STEPS, ModelOutputs
from worker.replicas.statistics import compute_statistic

BATCH = 512
Logits = npt.NDArray[np.float32]


def measure_network(
    network: nn.Module,
    problem: LoadedProblem,
    *,
    device: torch.device | str = "cpu",
    original: Mapping[str, Tensor] | None = None,
) -> ModelOutputs:
    """Return the outputs of one model (R = 1), in evaluation mode; raises BadWeights if one is not finite."""
    network = network.to(device)
    moved = 0.0 if original is None else compute_weight_change(network.state_dict(), original)

    def logits(split: Split) -> Logits:
        return compute_logits(network, split.x, device=device, batch_size=BATCH)[None]

    return collect_outputs(logits, problem, weight_change=np.array([moved], dtype=np.float64))


def collect_outputs(
    compute: Callable[[Split], Logits], problem: LoadedProblem, *, weight_change: npt.NDArray[np.float64]
) -> ModelOutputs:
    """Ask for the (R, N, K) finite logits of each split in turn, and keep what `ModelOutputs` holds of them."""
    splits, targets = problem.splits, problem.kind.targets
    forget = compute(splits.forget)
    retain = compute(splits.retain)
    retain_accuracy, retain = targets.measure(retain, splits.retain.y), retain[:, :PROBE].copy()  # frees the rest
    test = compute(splits.test)
    return ModelOutputs(
        forget_logits=forget,
        retain_accuracy=retain_accuracy,
        forget_accuracy=targets.measure(forget, splits.forget.y),
        test_accuracy=targets.measure(test, splits.test.y),
        retain_confidence=_confidence(targets, retain, splits.retain),
        retain_entropy=_entropy(targets, retain),
        test_confidence=_confidence(targets, test[:, :PROBE], splits.test),
        test_entropy=_entropy(targets, test[:, :PROBE]),
        weight_change=weight_change,
        relearn_loss=np.full((len(forget), RELEARN_STEPS + 1), NOT_MEASURED, np.float32),
        relearn_retain_loss=np.full((len(forget), RELEARN_STEPS + 1), NOT_MEASURED, np.float32),
    )


def compute_forget_confidence(problem: LoadedProblem, outputs: ModelOutputs) -> npt.NDArray[np.float64]:
    """(R, N) confidences on the forget set; one model at a time, as all of them in float64 may be gigabytes."""
    targets, y = problem.kind.targets, problem.splits.forget.y
    return np.concatenate([compute_statistic(targets, logits[None], y) for logits in outputs.forget_logits])


def compute_weight_change(state: Mapping[str, Tensor], original: Mapping[str, Tensor]) -> float:
    """L2 distance over all floating parameters and buffers, relative to the original's norm (absolute if that is 0)."""
    floating = [name for name, value in original.items() if value.is_floating_point()]
    if not floating:
        return 0.0
    moved = [torch.linalg.vector_norm(state[name].double() - original[name].double()) for name in floating]
    norms = [torch.linalg.vector_norm(original[name].double()) for name in floating]
    distance, norm = (float(torch.linalg.vector_norm(torch.stack(parts))) for parts in (moved, norms))
    return distance / norm if norm > 0 else distance


def _confidence(targets: Targets, logits: Logits, split: Split) -> npt.NDArray[np.float32]:
    return compute_statistic(targets, logits, split.y[: logits.shape[1]]).astype(np.float32)


def _entropy(targets: Targets, logits: Logits) -> npt.NDArray[np.float32]:
    """No values where there are no classes."""
    if not targets.has_classes:
        return np.empty((len(logits), 0), np.float32)
    return compute_entropy(logits).astype(np.float32)
