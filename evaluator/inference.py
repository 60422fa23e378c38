"""The one module that needs torch: weights in, logits out.

Weights come from a submission, so nothing about them is believed: the container is parsed without pickle, and
names, shapes, dtypes and values must be those of the network.
"""

import json
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors

from evaluator.errors import BadWeights, InvalidPool, NotFiniteWeights

MAX_HEADER_BYTES = 1 << 20
LENGTH_BYTES = 8
SHOWN_NAMES = 3


def load_weights(module: torch.nn.Module, blob: bytes) -> None:
    """Put the safetensors `blob` into `module`, in place, on the device and in the dtypes the module has.

    The blob must hold exactly the tensors of module.state_dict(), of the same shapes; floating tensors may come in
    any floating dtype and are cast, all others must have the module's dtype; every value must be finite.
    Raises BadWeights, with the tensor's name, otherwise; the module is then unchanged.
    """
    _check_header(blob)
    try:
        tensors = parse_safetensors(blob)
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise BadWeights(f"the returned weights are not a safetensors file: {error}") from error
    expected = module.state_dict()
    _check_names(set(tensors), set(expected))
    module.load_state_dict({name: _fit(name, tensors[name], expected[name]) for name in expected})


def compute_logits(
    module: torch.nn.Module, x: NDArray[Any], *, device: str | torch.device, batch_size: int
) -> NDArray[np.float32]:
    """Logits of N inputs, in eval mode and without gradients; the module keeps its own training mode.

    x: (N, ...) of the type that the module takes, N >= 1. Returns (N, K) float32.
    Raises InvalidPool if x is empty or batch_size < 1, BadWeights if a logit is not finite or the output is not
    one vector per input.
    """
    if len(x) == 0 or batch_size < 1:
        raise InvalidPool(f"cannot run {len(x)} inputs in batches of {batch_size}")
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            batches = [_run(module, x[start : start + batch_size], device) for start in range(0, len(x), batch_size)]
    finally:
        module.train(was_training)
    logits = np.concatenate(batches)
    if not np.isfinite(logits).all():
        row = int(np.argwhere(~np.isfinite(logits))[0, 0])
        raise NotFiniteWeights(f"the model's output is not finite for input {row}")
    return logits


def _run(module: torch.nn.Module, x: NDArray[Any], device: str | torch.device) -> NDArray[np.float32]:
    # A copy, because torch warns about read-only arrays and must never write into the caller's.
    output = module(torch.from_numpy(np.array(x)).to(device))
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != len(x):
        raise BadWeights("the model does not return one vector of logits per input")
    logits: NDArray[np.float32] = output.float().cpu().numpy()
    return logits


def _check_header(blob: bytes) -> None:
    """Bound the header before any parser sees it."""
    if len(blob) < LENGTH_BYTES:
        raise BadWeights("the returned weights are empty or cut off")
    length = int.from_bytes(blob[:LENGTH_BYTES], "little")
    if length > MAX_HEADER_BYTES:
        raise BadWeights(
            f"the header of the returned weights has {length} bytes, at most {MAX_HEADER_BYTES} are allowed"
        )
    try:
        header: Any = json.loads(blob[LENGTH_BYTES : LENGTH_BYTES + length])
    except (ValueError, RecursionError) as error:
        raise BadWeights("the returned weights are not a safetensors file: the header is not JSON") from error
    if not isinstance(header, dict):
        raise BadWeights("the returned weights are not a safetensors file: the header is not an object")


def _check_names(given: set[str], expected: set[str]) -> None:
    for names, what in ((expected - given, "missing"), (given - expected, "not part of the network")):
        if names:
            shown = ", ".join(name[:80] for name in sorted(names)[:SHOWN_NAMES])
            raise BadWeights(f"{len(names)} tensors are {what}: {shown}{', …' if len(names) > SHOWN_NAMES else ''}")


def _fit(name: str, given: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """The given tensor in the dtype of the module, or BadWeights."""
    if given.shape != expected.shape:
        raise BadWeights(f"{name} has shape {tuple(given.shape)}, expected {tuple(expected.shape)}")
    if given.is_floating_point() and expected.is_floating_point():
        cast = given.to(expected.dtype)
        if not torch.isfinite(cast).all():
            raise NotFiniteWeights(f"{name} holds values that are not finite")
        return cast
    if given.dtype != expected.dtype:
        raise BadWeights(f"{name} has dtype {_short(given.dtype)}, expected {_short(expected.dtype)}")
    return given


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
