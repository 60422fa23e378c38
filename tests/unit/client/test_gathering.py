import math
from collections import defaultdict
from collections.abc import Callable
from functools import partial as bound
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from client.gathering import make_source
from core.domain.errors import InvalidInput

EPOCHS = 2
RATES = {"first": [0.1, 0.2], "rest": (0.01,)}
DEVICE = torch.device("cpu")
TENSOR = torch.ones(3)
loss = torch.ones(1)


class Noise:
    scale = math.pi

    def add(self, x: Any) -> Any:
        return x + self.scale


def helper(x: Any) -> Any:
    return F.relu(Noise().add(x)) * EPOCHS


def make_entry() -> Callable[..., Any]:
    def unlearning(net: Any, retain_loader: Any, forget_loader: Any, val_loader: Any) -> Any:
        loss = helper(net) + RATES["first"][0]
        return bound(torch.add, loss)(1).to(DEVICE) * np.float32(1.0).item()

    return unlearning


def test_everything_the_function_names_comes_along_and_runs_elsewhere() -> None:
    entry = make_entry()
    names: dict[str, Any] = {}
    exec(compile(make_source(entry), "submission.py", "exec"), names)
    expected = entry(torch.ones(2), None, None, None)
    assert torch.equal(names["unlearning"](torch.ones(2), None, None, None), expected)


def test_what_stands_first_is_needed_first() -> None:
    source = make_source(make_entry())
    order = ["import", "EPOCHS = 2", "class Noise", "def helper", "def unlearning"]
    assert sorted(order, key=source.index) == order


def test_ones_own_variable_may_be_called_like_another_of_the_notebook() -> None:
    assert "\nloss =" not in make_source(make_entry())


class Pair(NamedTuple):
    first: int


def scale(x: Any) -> Any:
    return 2 * x


step = scale
plus = lambda x: x + 1  # noqa: E731
twice = step
CAP = float("inf")
PAIR = Pair(1)
COUNTS = {"seen": defaultdict(int)}


def test_another_name_of_a_function_comes_along() -> None:
    def unlearning(net: Any, retain_loader: Any, forget_loader: Any, val_loader: Any) -> Any:
        return twice(step(scale(plus(net))))

    source, names = make_source(unlearning), dict[str, Any]()
    exec(compile(source, "submission.py", "exec"), names)
    assert (names["unlearning"](1, None, None, None), source.count("def scale")) == (16, 1)


def test_a_value_that_its_text_does_not_make_again_is_refused_by_name() -> None:
    def capped(net: Any) -> Any:
        return net + CAP

    def paired(net: Any) -> Any:
        return net + PAIR.first

    def counted(net: Any) -> Any:
        return net + COUNTS["seen"][net]

    for function, name in ((capped, "CAP"), (paired, "PAIR"), (counted, "COUNTS")):
        function.__name__ = "unlearning"
        with pytest.raises(InvalidInput, match=f"it uses '{name}'"):
            make_source(function)


def test_what_lives_in_this_session_only_is_refused_by_name() -> None:
    def unlearning(net: Any, retain_loader: Any, forget_loader: Any, val_loader: Any) -> Any:
        return net + TENSOR

    with pytest.raises(InvalidInput, match="'TENSOR', a Tensor of this session"):
        make_source(unlearning)


def test_a_function_of_another_name_is_told_its_name() -> None:
    with pytest.raises(InvalidInput, match="'helper'; name it 'unlearning'"):
        make_source(helper)


def test_a_function_that_holds_on_to_another_ones_variables_is_refused() -> None:
    inner = 3

    def unlearning(net: Any, retain_loader: Any, forget_loader: Any, val_loader: Any) -> Any:
        return net + inner

    with pytest.raises(InvalidInput, match="inside another function"):
        make_source(unlearning)


@pytest.mark.parametrize("what", [3, len, Noise])
def test_only_a_function_is_one(what: Any) -> None:
    with pytest.raises(InvalidInput, match="a function is needed"):
        make_source(what)


def test_a_function_without_a_text_is_said_to_have_none() -> None:
    names: dict[str, Any] = {}
    exec("def unlearning(net, a, b, c): return net", names)
    with pytest.raises(InvalidInput, match="is not known here"):
        make_source(names["unlearning"])
