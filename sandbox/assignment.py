"""What the host hands to a shard once: network, splits, originals, the submission's files and the limits."""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from sandbox.contract import PAYLOAD_LIMIT, SPLIT_NAMES, FrameError, Message, Role, Speaker, read_frame
from sandbox.loaders import MemoryLoader, make_loader

PACKAGE_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Assignment:
    setup: Mapping[str, Any]
    files: Mapping[Role, Mapping[str, bytes]]
    splits: Mapping[str, Tensor]
    originals: tuple[Mapping[str, Tensor], ...]

    @property
    def limits(self) -> Mapping[str, Any]:
        limits: Mapping[str, Any] = self.setup["limits"]
        return limits

    @property
    def device(self) -> torch.device:
        return torch.device(self.setup["device"])

    def build_network(self, original: int) -> nn.Module:
        """Build the original model anew, in the state a freshly built module has (training mode)."""
        network = build_network(self.setup["network"])
        network.load_state_dict(dict(self.originals[original]), strict=True)
        return network.to(self.device)

    def build_loaders(self) -> tuple[MemoryLoader, ...]:
        """Retain and forget batches come shuffled, validation batches in order; an id belongs to one example of all."""
        mapping = self.setup["batch_format"] == "mapping"
        size = self.setup["batch_size"]
        loaders, first = [], 0
        for name in SPLIT_NAMES:
            x, y = self.splits[f"{name}_x"], self.splits[f"{name}_y"]
            shuffle = name != "validation"
            loaders.append(make_loader(x, y, mapping=mapping, batch_size=size, shuffle=shuffle, first=first))
            first += len(y)
        return tuple(loaders)


def build_network(reference: Mapping[str, Any]) -> nn.Module:
    package = reference["package"]
    if not PACKAGE_NAME.fullmatch(package):
        raise ValueError(f"{package!r} is not the name of a network package")
    module = importlib.import_module(f"sandbox.problems.{package}.model")
    network = module.build(reference["num_classes"], tuple(reference["input_shape"]), **reference["options"])
    if not isinstance(network, nn.Module):
        raise TypeError(f"{module.__name__}.build did not return a network")
    return network


def read_assignment(stream: BinaryIO) -> Assignment:
    setup, _ = _expect(stream, Message.SETUP)
    files: dict[Role, dict[str, bytes]] = {role: {} for role in Role}
    for _ in range(setup["files"]):
        header, code = _expect(stream, Message.FILE)
        files[Role(header["role"])][header["name"]] = code
    _, splits = _expect(stream, Message.SPLITS)
    originals = [_expect(stream, Message.ORIGINAL)[1] for _ in range(setup["originals"])]
    return Assignment(
        setup=setup,
        files=files,
        splits=load_tensors(splits),
        originals=tuple(load_tensors(original) for original in originals),
    )


def _expect(stream: BinaryIO, kind: Message) -> tuple[dict[str, Any], bytes]:
    frame = read_frame(stream, speaker=Speaker.HOST, payload_limit=PAYLOAD_LIMIT)
    if frame is None or frame[0]["kind"] is not kind:
        raise FrameError(f"expected a {kind} frame")
    return frame
