"""What is written in docs/metric.md is enough: an implementation made from the page alone gives the same epsilons."""

import numpy as np
import pytest

from evaluator import Attack, ScoringProtocol, compute_epsilons
from evaluator.spec import DEFAULT_ATTACKS, HELD_OUT_ATTACKS
from tests.unit.evaluator import by_the_page as page

SHAPES = {
    "normal": lambda rng, size: rng.normal(size=size),
    "halves": lambda rng, size: np.round(2 * rng.normal(size=size)) / 2,
    "three values": lambda rng, size: rng.integers(0, 3, size).astype(float),
    "constant": lambda rng, size: np.full(size, 0.25),
    "heavy": lambda rng, size: np.clip(rng.standard_cauchy(size), -9, 9),
}


def draw_pools(shape, seed, *, examples=2):
    rng = np.random.default_rng([seed, list(SHAPES).index(shape)])
    sizes = rng.integers(11, 40, size=2)
    left, right = (SHAPES[shape](rng, (size, examples)) for size in sizes)
    return left + 0.5 * (seed % 3), right if seed % 2 else SHAPES["normal"](rng, right.shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_held_out_follows_from_the_page(shape, seed):
    attacks = DEFAULT_ATTACKS if seed else HELD_OUT_ATTACKS[:-1]
    pools = draw_pools(shape, seed)
    answer = compute_epsilons(*pools, attacks=attacks, seed=seed, split_seeds=2).estimate
    assert answer == pytest.approx(page.held_out(*pools, attacks, seed=seed, split_seeds=2), abs=1e-9)


@pytest.mark.parametrize("alpha", [0.1, 0.23, 0.5])
def test_other_options_follow_from_the_page(alpha):
    pools = draw_pools("halves", 2)
    options = {"alpha": alpha, "folds": 3, "split_seeds": 2, "seed": 7}
    answer = compute_epsilons(*pools, **options).estimate
    assert answer == pytest.approx(page.held_out(*pools, DEFAULT_ATTACKS, **options), abs=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_the_regression_follows_from_the_page(seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(24, 2, 3)) + 0.4, rng.normal(size=(31, 2, 3))
    pools = features[0][..., 0], features[1][..., 0]
    attacks = (Attack.half_line, Attack.logistic_regression)
    options = {"folds": 4, "split_seeds": 2}
    answer = compute_epsilons(
        *pools, attacks=attacks, unlearned_features=features[0], retrained_features=features[1], **options
    ).estimate
    assert answer == pytest.approx(page.held_out(*pools, attacks, features, **options), abs=1e-9)


@pytest.mark.parametrize("shape", ["normal", "halves", "constant"])
@pytest.mark.parametrize("protocol", [ScoringProtocol.neurips2023, ScoringProtocol.exact])
def test_the_other_protocols_follow_from_the_page(shape, protocol):
    pools = draw_pools(shape, 1, examples=2)
    answer = compute_epsilons(*pools, protocol=protocol).estimate
    assert answer == pytest.approx(getattr(page, protocol)(*pools), abs=1e-9)
