"""Tensors of a torch file; apart from the other readers, so that torch is imported only when such a file is given."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 (the name of an error; nothing is unpickled here)
from typing import Any

import torch

from evaluator import InvalidPool

DEPTH_LIMIT = 8  # of containers in each other


def load_tensors(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Arrays by name ("" for a single tensor), and the plain values beside them; raises InvalidPool."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickle versions: it is read or refused, either is said
            # weights_only refuses everything but tensors and plain containers: no code of the file's is ever run
            loaded = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251
    except UnpicklingError as error:
        raise InvalidPool(
            f"{path} holds pickled objects other than tensors, which can run code when read: save a tensor or a "
            "dictionary of tensors"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InvalidPool(f"{path} cannot be read as a torch file: {str(error)[:200]}") from error
    if not isinstance(loaded, torch.Tensor | Mapping | list | tuple):
        raise InvalidPool(f"{path} holds a {type(loaded).__name__}, not tensors")
    found = dict(_iter_values(loaded, ""))
    tensors = {name: _to_array(path, value) for name, value in found.items() if isinstance(value, torch.Tensor)}
    return tensors, {name: value for name, value in found.items() if isinstance(value, str | int)}


def _iter_values(value: Any, name: str, *, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Everything in nested containers by its dotted name; a list of tensors of one shape is one tensor, stacked."""
    if isinstance(value, list | tuple):
        if len(value) > 1 and all(isinstance(part, torch.Tensor) and part.shape == value[0].shape for part in value):
            yield name, torch.stack([part.float() if part.is_floating_point() else part for part in value])
            if name:
                return  # of a list that is the whole file, each tensor can be chosen too
        value = {str(place): part for place, part in enumerate(value)}
    if isinstance(value, Mapping) and depth < DEPTH_LIMIT:
        for key, part in value.items():
            yield from _iter_values(part, f"{name}.{key}" if name else str(key), depth=depth + 1)
    else:
        yield name, value


def _to_array(path: Path, tensor: torch.Tensor) -> Any:
    if tensor.is_quantized or tensor.layout != torch.strided or tensor.is_complex():
        raise InvalidPool(f"{path} holds a quantised, sparse or complex tensor: save it as plain numbers")
    wide = tensor.float() if tensor.dtype == torch.bfloat16 else tensor  # numpy has no bfloat16
    try:
        return wide.detach().numpy()
    except (TypeError, RuntimeError):
        kind = str(tensor.dtype).removeprefix("torch.")
        raise InvalidPool(f"{path} holds {kind} numbers, too coarse to compare: save float16 or better") from None
