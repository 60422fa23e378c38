import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from sandbox.reseed import reseed_generators

DRAWS: dict[str, tuple[Callable[[int], Any], Callable[[Any], float]]] = {
    "torch": (lambda seed: torch.Generator().manual_seed(seed), lambda g: torch.rand(1, generator=g).item()),
    "numpy": (np.random.default_rng, lambda g: g.random()),
    "old numpy": (np.random.RandomState, lambda g: g.rand()),
    "random": (random.Random, lambda g: g.random()),
}


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    made = ModuleType("a_submission_of_a_test")
    made.__file__ = str(tmp_path / "submission.py")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def draw(module: ModuleType, folder: Path, kind: str, *, own: int, seed: int) -> float:
    make, take = DRAWS[kind]
    module.GENERATOR = make(own)  # type: ignore[attr-defined]
    reseed_generators(folder, seed, known=len(sys.modules) - 1)
    return take(module.GENERATOR)


@pytest.mark.parametrize("kind", DRAWS)
def test_two_replicas_draw_differently_and_one_repeats_itself(kind: str, module: ModuleType, tmp_path: Path) -> None:
    first, second, again = (draw(module, tmp_path, kind, own=42, seed=seed) for seed in (1, 2, 1))
    assert first == again != second


@pytest.mark.parametrize("kind", DRAWS)
def test_generators_of_different_seeds_stay_different(kind: str, module: ModuleType, tmp_path: Path) -> None:
    assert draw(module, tmp_path, kind, own=42, seed=1) != draw(module, tmp_path, kind, own=43, seed=1)


def test_modules_outside_the_submission_are_left_alone(module: ModuleType, tmp_path: Path) -> None:
    module.GENERATOR = torch.Generator().manual_seed(3)  # type: ignore[attr-defined]
    reseed_generators(tmp_path / "elsewhere", 1, known=0)
    assert module.GENERATOR.initial_seed() == 3
