"""Runs a network over a problem's splits and keeps what the score needs."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from evaluator.inference import compute_logits
from worker.outputs import ModelOutputs
from worker.problems import LoadedProblem, Split

BATCH = 512


def measure_network(network: nn.Module, problem: LoadedProblem, *, device: torch.device | str = "cpu") -> ModelOutputs:
    """Return the outputs of one model (R = 1), in evaluation mode; raises BadWeights if one is not finite."""
    network = network.to(device)

    def logits(split: Split) -> npt.NDArray[np.float32]:
        return compute_logits(network, split.x, device=device, batch_size=BATCH)

    splits = problem.splits
    forget = logits(splits.forget)
    return ModelOutputs(
        forget_logits=forget[None],
        retain_accuracy=_accuracy(logits(splits.retain), splits.retain),
        forget_accuracy=_accuracy(forget, splits.forget),
        test_accuracy=_accuracy(logits(splits.test), splits.test),
    )


def _accuracy(logits: npt.NDArray[np.float32], split: Split) -> npt.NDArray[np.float64]:
    return np.array([(logits.argmax(axis=1) == split.y).mean()], dtype=np.float64)
