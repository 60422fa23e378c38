import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluator import InvalidPool
from evaluator.metrics.divergences import compute_entropy, compute_js, compute_kl, compute_zrf

LOGITS = st.floats(-50, 50, width=32)


def make_logits(models: int = 3, examples: int = 4, classes: int = 5, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(scale=3, size=(models, examples, classes)).astype(np.float32)


def slow_softmax(logits: Any) -> list[float]:
    powers = [math.exp(float(value) - float(max(logits))) for value in logits]
    return [power / sum(powers) for power in powers]


def slow_kl(p: list[float], q: list[float], epsilon: float) -> float:
    return sum(a * (math.log(a + epsilon) - math.log(b + epsilon)) for a, b in zip(p, q, strict=True) if a > 0)


def slow_js(p: list[float], q: list[float]) -> float:
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return 0.5 * slow_kl(p, middle, 0.0) + 0.5 * slow_kl(q, middle, 0.0)


def test_kl_is_that_of_the_retrained_from_the_unlearned_model() -> None:
    unlearned, retrained = make_logits(seed=1), make_logits(models=5, seed=2)
    expected = [
        np.mean([slow_kl(slow_softmax(b), slow_softmax(a), 1e-20) for a, b in zip(*pair, strict=True)])
        for pair in zip(unlearned, retrained, strict=False)
    ]
    np.testing.assert_allclose(compute_kl(unlearned, retrained), expected, rtol=1e-9)


def test_js_is_the_mean_divergence_from_the_middle() -> None:
    unlearned, retrained = make_logits(seed=1), make_logits(models=2, seed=2)
    expected = [
        np.mean([slow_js(slow_softmax(a), slow_softmax(b)) for a, b in zip(*pair, strict=True)])
        for pair in zip(unlearned, retrained, strict=False)
    ]
    np.testing.assert_allclose(compute_js(unlearned, retrained), expected, rtol=1e-9)


def test_zrf_pairs_the_models_with_the_untrained_networks_in_turn() -> None:
    unlearned, untrained = make_logits(models=5, seed=1), make_logits(models=2, seed=2)
    again = untrained[[0, 1, 0, 1, 0]]
    np.testing.assert_allclose(compute_zrf(unlearned, untrained), 1 - compute_js(unlearned, again))


def test_opposite_certainties_are_as_far_apart_as_can_be() -> None:
    left, right = [[[0.0, -np.inf]]], [[[-np.inf, 0.0]]]
    assert compute_js(left, right) == pytest.approx(math.log(2))
    assert compute_kl(left, right) == pytest.approx(-math.log(1e-20))
    assert compute_zrf(left, right) == pytest.approx(1 - math.log(2))


def test_equal_outputs_have_no_divergence_whatever_is_added_to_the_logits() -> None:
    logits = make_logits()
    np.testing.assert_allclose(compute_kl(logits + np.float32(8), logits), 0, atol=1e-6)
    np.testing.assert_allclose(compute_zrf(logits, logits[:1]), 1 - compute_js(logits, logits[[0, 0, 0]]))
    assert compute_zrf(logits[:1], logits[:1]) == pytest.approx(1.0)


def test_the_entropy_of_equal_chances_is_the_logarithm_of_their_number() -> None:
    assert compute_entropy(np.zeros((2, 7))) == pytest.approx(math.log(7))
    assert compute_entropy([0.0, 0.0, -np.inf]) == pytest.approx(math.log(2))
    assert compute_entropy([103.0, -np.inf]) == 0.0


@settings(max_examples=40)
@given(arrays(np.float32, (2, 3, 4), elements=LOGITS), arrays(np.float32, (2, 3, 4), elements=LOGITS))
def test_divergences_keep_their_bounds_and_their_inputs(left: Any, right: Any) -> None:
    left.flags.writeable = False
    kept = right.copy()
    for values, high in ((compute_js(left, right), math.log(2)), (compute_kl(left, right), 47.0)):
        assert ((values >= -1e-9) & (values <= high + 1e-9)).all()
    np.testing.assert_array_equal(kept, right)
    entropy = compute_entropy(np.asfortranarray(left).astype(np.float16).astype(np.float32))
    assert ((entropy >= 0) & (entropy <= math.log(4) + 1e-9)).all()


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 3)),
        np.zeros((0, 3, 4)),
        np.full((2, 3, 4), np.nan),
        np.full((2, 3, 4), np.inf),
        np.full((2, 3, 4), -np.inf),
        np.zeros((2, 3, 1)),
        [[["a", "b"]]],
        [[[0.0, 1.0], [0.0]]],
        np.zeros((2, 5, 4)),
    ],
)
def test_what_are_no_logits_is_refused(bad: Any) -> None:
    with pytest.raises(InvalidPool):
        compute_kl(bad, np.zeros((2, 3, 4)))
    with pytest.raises(InvalidPool):
        compute_zrf(np.zeros((2, 3, 4)), bad)
