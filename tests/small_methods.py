"""A task so small that every method runs on it in milliseconds, for tests of single methods."""

import copy
import importlib
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

State = dict[str, Tensor]
Batches = list[tuple[Tensor, Tensor]]
Loaders = tuple[Batches, Batches, Batches]
CLASSES = 4


class Forbidden:
    """A loader that must not be read."""

    def __iter__(self) -> Any:
        raise AssertionError("this loader must not be read")


def draw_examples() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(128, 6, generator=generator), torch.randint(CLASSES, (128,), generator=generator)


def make_loaders() -> Loaders:
    """Lists of batches: unlike a loader they draw no random number when they are read."""
    x, y = draw_examples()

    def cut(first: int, last: int) -> Batches:
        return list(zip(x[first:last].split(16), y[first:last].split(16), strict=True))

    return cut(32, 128), cut(0, 32), cut(64, 96)


def load(monkeypatch: pytest.MonkeyPatch, name: str, **constants: Any) -> ModuleType:
    module = importlib.import_module(f"baselines.{name}")
    for constant, value in constants.items():
        monkeypatch.setattr(module, constant, value)
    return module


def run(module: ModuleType, original: nn.Module, loaders: Loaders | None = None, seed: int = 0) -> State:
    torch.manual_seed(seed)
    net = module.unlearning(copy.deepcopy(original), *(loaders or make_loaders()))
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def assert_close(left: State, right: State) -> None:
    assert left.keys() == right.keys()
    for name in left:
        torch.testing.assert_close(left[name], right[name], rtol=1e-4, atol=1e-5)


def measure_loss(original: nn.Module, state: State, part: slice = slice(0, 32)) -> float:
    net = copy.deepcopy(original)
    net.load_state_dict(state)
    x, y = draw_examples()
    with torch.no_grad():
        return float(F.cross_entropy(net(x[part]), y[part]))
