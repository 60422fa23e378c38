"""Give the generators that a submission made while it was imported a seed of this replica.

A constant at module level (`GENERATOR = torch.Generator().manual_seed(42)`) was harmless where one process ran all
replicas in turn; where every replica imports the file anew it would make them all equal.
"""

import random
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch


def reseed_generators(folder: Path, seed: int, *, known: int) -> None:
    """Reseed every generator that a module of the submission holds by name, each from its own state and `seed`.

    known: how many modules were loaded before the submission; looking at those would copy their pages.
    """
    seen: set[int] = set()
    for module in _find_modules(folder, known):
        for value in list(vars(module).values()):
            if id(value) not in seen:
                seen.add(id(value))
                _reseed(value, seed)


def _find_modules(folder: Path, known: int) -> Iterable[ModuleType]:
    root = f"{folder}/"
    new = max(len(sys.modules) - known, 0)
    for module in list(islice(reversed(sys.modules.values()), new)):  # a dict keeps the order of insertion
        origin = getattr(module, "__file__", None)
        if isinstance(module, ModuleType) and isinstance(origin, str) and origin.startswith(root):
            yield module


def _reseed(value: Any, seed: int) -> None:
    """The author's own seed still tells two generators of one replica apart."""
    if type(value) is torch.Generator:
        value.manual_seed(_mix(seed, value.initial_seed()))
    elif type(value) is np.random.Generator:
        bits = value.bit_generator
        bits.state = type(bits)(_mix(seed, int(value.integers(2**32)))).state
    elif type(value) is np.random.RandomState:
        value.seed(_mix(seed, int(value.randint(2**31))) % 2**32)
    elif type(value) is random.Random:
        value.seed(_mix(seed, value.getrandbits(32)))


def _mix(seed: int, own: int) -> int:
    return int(np.random.SeedSequence([seed % 2**64, own % 2**64]).generate_state(1, np.uint64)[0] >> np.uint64(1))
