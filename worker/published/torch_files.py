"""Tensors of a torch file; apart from the other readers, so that torch is imported only when such a file is given."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 (the name of an error; nothing is unpickled here)
from typing import Any

import torch

from evaluator import InvalidPool


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
    if isinstance(loaded, torch.Tensor):
        return {"": _to_array(path, loaded)}, {}
    if isinstance(loaded, list | tuple):
        loaded = {str(place): value for place, value in enumerate(loaded)}
    if not isinstance(loaded, Mapping):
        raise InvalidPool(f"{path} holds a {type(loaded).__name__}, not tensors")
    tensors = {str(key): _to_array(path, value) for key, value in loaded.items() if isinstance(value, torch.Tensor)}
    return tensors, {str(key): value for key, value in loaded.items() if isinstance(value, str | int)}


def _to_array(path: Path, tensor: torch.Tensor) -> Any:
    if tensor.is_quantized or tensor.layout != torch.strided or tensor.is_complex():
        raise InvalidPool(f"{path} holds a quantised, sparse or complex tensor: save it as plain numbers")
    wide = tensor.float() if tensor.dtype == torch.bfloat16 else tensor  # numpy has no bfloat16
    return wide.detach().numpy()
