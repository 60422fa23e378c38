"""Runs a network over a problem's splits and keeps what the score needs."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from worker.outputs import ModelOutputs
from worker.problems import LoadedProblem, Split

BATCH = 512


def measure_network(network: nn.Module, problem: LoadedProblem, *, device: torch.device | str = "cpu") -> ModelOutputs:
    """Return the outputs of one model (R = 1), in evaluation mode and without gradients."""
    network = network.to(device).eval()
    splits = problem.splits
    forget = _compute_logits(network, splits.forget, device)
    return ModelOutputs(
        forget_logits=forget[None],
        retain_accuracy=_accuracy(_compute_logits(network, splits.retain, device), splits.retain),
        forget_accuracy=_accuracy(forget, splits.forget),
        test_accuracy=_accuracy(_compute_logits(network, splits.test, device), splits.test),
    )


def _compute_logits(network: nn.Module, split: Split, device: torch.device | str) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        rows = [network(batch.to(device)).float().cpu() for batch in torch.split(torch.from_numpy(split.x), BATCH)]
    return np.asarray(torch.cat(rows).numpy())


def _accuracy(logits: npt.NDArray[np.float32], split: Split) -> npt.NDArray[np.float64]:
    return np.array([(logits.argmax(axis=1) == split.y).mean()], dtype=np.float64)
