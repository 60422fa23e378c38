from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from sandbox.contract import Outcome
from sandbox.submission import Refused, choose_options, get_prepare_function, seed_everything, write_files

OFFERED = {"device": "cpu", "seed": 1, "num_classes": 10, "budget_seconds": None}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda a, b, c, d: None, {}),
        (lambda *everything: None, {}),
        (lambda a, b, c, d, e=5: None, {}),
        (lambda a, b, c, d, seed: None, {"seed": 1}),
        (lambda a, b, c, d, seed=7: None, {"seed": 1}),
        (lambda a, b, c, d, *, device, **rest: None, {"device": "cpu"}),
        (lambda device, b, c, d: None, {}),
        (lambda a, b, c, d, other=1, num_classes=2: None, {"num_classes": 10}),
    ],
)
def test_options_are_given_by_name_only_to_those_who_ask(function: Callable[..., Any], expected: Any) -> None:
    assert choose_options(function, OFFERED) == expected
    function(None, None, None, None, **expected)


@pytest.mark.parametrize(
    "function", [lambda: None, lambda a, b, c: None, lambda a, b, c, d, teacher: None, lambda a, b, c, d, *, x: None]
)
def test_a_function_that_cannot_be_called_is_a_mismatch(function: Callable[..., Any]) -> None:
    with pytest.raises(Refused) as caught:
        choose_options(function, OFFERED)
    assert caught.value.outcome is Outcome.SIGNATURE_MISMATCH


def test_a_prepare_of_another_shape_is_the_participants_own_helper() -> None:
    module = ModuleType("m")
    module.prepare = lambda images: images  # type: ignore[attr-defined]
    assert get_prepare_function(module) is None
    module.prepare = lambda a, b, c, d: None  # type: ignore[attr-defined]
    assert get_prepare_function(module) is module.prepare


def test_one_seed_fixes_every_generator() -> None:
    import random

    draws = []
    for seed in (5, 5, 6):
        seed_everything(seed)
        draws.append((torch.rand(1).item(), np.random.rand(), random.random()))
    assert draws[0] == draws[1]
    assert all(a != b for a, b in zip(draws[0], draws[2], strict=True))


def test_large_seeds_are_accepted() -> None:
    seed_everything(2**63 - 1)


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    write_files({"a/b.py": b"x", "submission.py": b"y"}, tmp_path)
    assert (tmp_path / "a" / "b.py").read_bytes() == b"x"
