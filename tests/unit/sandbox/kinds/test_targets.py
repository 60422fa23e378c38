"""A kind's loss, its gradient and its shares are held against autograd and by hand."""

import numpy as np
import pytest
import torch

from core.problem_parts import KindName
from sandbox.kinds.known import KINDS
from sandbox.kinds.parts import Targets
from sandbox.kinds.targets import Classes, Number

MEMBERS, BATCH = 3, 5


def draw(targets: Targets) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs (R, B, K) and targets (R, B)."""
    generator = torch.Generator().manual_seed(3)
    outputs = torch.randn(MEMBERS, BATCH, targets.count_outputs(4), generator=generator)
    if targets.has_classes:
        return outputs, torch.randint(4, (MEMBERS, BATCH), generator=generator)
    return outputs, torch.randn(MEMBERS, BATCH, generator=generator)


def test_every_name_of_a_problem_file_is_a_kind() -> None:
    assert set(KINDS) == set(KindName)


@pytest.mark.parametrize("targets", [Classes(), Number()], ids=["classes", "number"])
def test_the_gradient_is_that_of_each_members_loss(targets: Targets) -> None:
    outputs, y = draw(targets)
    for member in range(MEMBERS):
        own = outputs[member].clone().requires_grad_()
        (expected,) = torch.autograd.grad(targets.loss(own, y[member]), own)
        together = targets.compute_gradient(outputs.clone(), y)
        torch.testing.assert_close(together[member], expected, rtol=1e-5, atol=1e-7)


def test_a_number_is_measured_by_the_variance_that_is_explained() -> None:
    y = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    mean = np.full((1, 4, 1), 2.5, np.float32)
    half = np.array([[[1.5], [2.5], [2.5], [3.5]]], np.float32)  # 1 of 5 is left
    assert Number().measure(y.reshape(1, 4, 1), y).tolist() == [1.0]
    assert Number().measure(mean, y).tolist() == [0.0]
    assert Number().measure(half, y).tolist() == [pytest.approx(0.8)]
    assert Number().measure(10 * mean, y).tolist() == [0.0]  # worse than the mean is no less than nothing


def test_a_number_that_never_varies_is_explained_exactly_or_not_at_all() -> None:
    y = np.full(3, 2.0, np.float32)
    outputs = np.stack([np.full((3, 1), 2.0, np.float32), np.full((3, 1), 2.1, np.float32)])
    assert Number().measure(outputs, y).tolist() == [1.0, 0.0]


def test_noise_of_a_number_is_another_examples() -> None:
    y = np.array([1.5, -2.0, 8.0], np.float32)
    noise = Number().draw_noise(y, 50, classes=0, rng=np.random.default_rng(0))
    assert noise.dtype == np.float32
    assert set(noise.tolist()) == set(y.tolist())


@pytest.mark.parametrize(
    ("targets", "y", "names", "reason"),
    [
        (Classes(), np.array([0.0, 1.0], np.float32), ("a", "b"), "int64"),
        (Classes(), np.array([0, 2]), ("a", "b"), "outside the classes"),
        (Classes(), np.array([0, -1]), ("a", "b"), "outside the classes"),
        (Classes(), np.array([0, 0]), ("a",), "two classes"),
        (Number(), np.array([0, 1]), (), "float32"),
        (Number(), np.array([0, 1], np.float32), ("a", "b"), "no classes"),
        (Number(), np.array([0, np.nan], np.float32), (), "not finite"),
    ],
    ids=["real labels", "too high", "too low", "one class", "whole targets", "named targets", "nan"],
)
def test_targets_of_another_type_are_refused_by_name(
    targets: Targets, y: np.ndarray[tuple[int], np.dtype[np.generic]], names: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        targets.check(y, names)
