"""Turn whatever a submission gives back into the original network's named tensors."""

from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from sandbox.contract import Outcome
from sandbox.submission import Refused

Schema = Mapping[str, tuple[tuple[int, ...], torch.dtype]]
WRAPPER = "module."  # what torch.nn.DataParallel puts before every name


def read_schema(network: nn.Module) -> Schema:
    return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in network.state_dict().items()}


def collect_weights(result: Any, network: nn.Module, schema: Schema) -> bytes:
    """Serialise the result (nothing returned means `network`) with the schema's names, shapes and types."""
    state = _read_state(network if result is None else result)
    state = _unwrap(state, schema)
    _check_names(state, schema)
    tensors = {}
    for name, (shape, dtype) in schema.items():
        tensor = state[name].detach()
        if tuple(tensor.shape) != shape:
            raise Refused(Outcome.OUTPUT_SCHEMA, f"{name} has shape {tuple(tensor.shape)}, not {shape}")
        tensors[name] = tensor.to(device="cpu", dtype=dtype).clone(memory_format=torch.contiguous_format)
    return bytes(save_tensors(tensors))


def _read_state(result: Any) -> dict[str, Tensor]:
    state = result.state_dict() if isinstance(result, nn.Module) else result
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        kind = type(result).__name__
        raise Refused(Outcome.OUTPUT_MISSING, f"unlearning() gave back {kind}, not a network, its weights or None")
    return {str(name): value for name, value in state.items()}


def _unwrap(state: dict[str, Tensor], schema: Schema) -> dict[str, Tensor]:
    if state and all(name.startswith(WRAPPER) for name in state) and not any(n.startswith(WRAPPER) for n in schema):
        return {name.removeprefix(WRAPPER): value for name, value in state.items()}
    return state


def _check_names(state: Mapping[str, Tensor], schema: Schema) -> None:
    missing, extra = sorted(schema.keys() - state.keys()), sorted(state.keys() - schema.keys())
    if missing:
        raise Refused(Outcome.OUTPUT_SCHEMA, f"the result lacks {missing[0]!r} ({len(missing)} missing)")
    if extra:
        raise Refused(Outcome.OUTPUT_SCHEMA, f"the result has {extra[0]!r}, which the network has not")
