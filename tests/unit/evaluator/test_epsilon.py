import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import EpsilonOptions, InvalidPool, ScoringProtocol, compute_epsilons, compute_epsilons_by_attack
from evaluator.epsilon import estimate_epsilons
from tests.unit.evaluator.strategies import pools

PROTOCOLS = pytest.mark.parametrize("protocol", list(ScoringProtocol))


@PROTOCOLS
@settings(max_examples=25)
@given(pair=pools())
def test_bounds_are_ordered_and_finite(protocol, pair):
    epsilons = compute_epsilons(*pair, protocol=protocol)
    assert (epsilons.lower >= 0).all()
    assert (epsilons.lower <= epsilons.estimate).all()
    assert (epsilons.estimate <= 50).all()
    assert len(epsilons.attack) == pair[0].shape[1]


@PROTOCOLS
@settings(max_examples=15)
@given(pair=pools(most_examples=4), random=st.randoms(use_true_random=False))
def test_the_order_of_examples_only_permutes_the_answer(protocol, pair, random):
    order = random.sample(range(pair[0].shape[1]), pair[0].shape[1])
    straight = compute_epsilons(*pair, protocol=protocol)
    shuffled = compute_epsilons(*(pool[:, order] for pool in pair), protocol=protocol)
    np.testing.assert_array_equal(shuffled.estimate, straight.estimate[order])
    np.testing.assert_array_equal(shuffled.lower, straight.lower[order])


@PROTOCOLS
def test_inputs_are_unchanged_even_where_they_cannot_be_copied_cheaply(protocol):
    rng = np.random.default_rng(0)
    block = rng.normal(size=(12, 40))
    before = block.copy()
    block.setflags(write=False)
    unlearned, retrained = block[:, ::2].T[:10], block[::-1, 1::2].T
    answer = compute_epsilons(unlearned, retrained, protocol=protocol)
    np.testing.assert_array_equal(block, before)
    np.testing.assert_array_equal(
        answer.estimate, compute_epsilons(unlearned.copy(), retrained.copy(), protocol=protocol).estimate
    )


@PROTOCOLS
def test_float32_pools_give_what_their_float64_copies_give(protocol):
    pair = np.random.default_rng(0).normal(size=(2, 12, 3)).astype(np.float32)
    np.testing.assert_array_equal(
        compute_epsilons(*pair, protocol=protocol).estimate,
        compute_epsilons(*pair.astype(np.float64), protocol=protocol).estimate,
    )


@PROTOCOLS
def test_pools_of_different_size_are_scored(protocol):
    rng = np.random.default_rng(0)
    assert np.isfinite(
        compute_epsilons(rng.normal(size=(9, 2)), rng.normal(size=(30, 2)), protocol=protocol).estimate
    ).all()


@PROTOCOLS
def test_a_value_that_is_not_finite_never_becomes_an_epsilon(protocol):
    pool = np.zeros((6, 2))
    for bad in (np.nan, np.inf, -np.inf):
        broken = pool.copy()
        broken[3, 1] = bad
        with pytest.raises(InvalidPool, match="not finite"):
            compute_epsilons(broken, pool, protocol=protocol)


@pytest.mark.parametrize(
    "options",
    [
        {"delta": 1.0},
        {"delta": -1.0},
        {"alpha": 0.0},
        {"alpha": 0.7},
        {"folds": 1},
        {"split_seeds": 0},
        {"confidence": 1},
        {"seed": -1},
        {"folds": 61},
        {"attacks": []},
        {"attacks": ["range_guard"]},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InvalidPool):
        compute_epsilons(np.zeros((6, 1)), np.ones((6, 1)), **options)


def test_one_family_alone_answers_what_the_table_by_attack_says():
    rng = np.random.default_rng(0)
    pair = rng.normal(size=(2, 40, 5)) + np.array([0.6, 0.0])[:, None, None]
    table = compute_epsilons_by_attack(*pair)
    assert list(table) == ["half_line", "interval", "complement", "likelihood_ratio", "kernel_density"]
    for attack, epsilons in table.items():
        alone = compute_epsilons(*pair, attacks=[attack])
        np.testing.assert_array_equal(alone.estimate, epsilons)
        assert set(alone.attack) == {attack}


def test_the_order_families_are_named_in_does_not_matter():
    pair = np.random.default_rng(0).normal(size=(2, 40, 5))
    one, other = (
        compute_epsilons(*pair, attacks=names) for names in (["interval", "half_line"], ["half_line", "interval"])
    )
    np.testing.assert_array_equal(one.estimate, other.estimate)
    assert one.attack == other.attack


@PROTOCOLS
def test_bounds_can_be_left_out_and_change_nothing_else(protocol):
    pair = np.random.default_rng(0).normal(size=(2, 20, 4)) + np.array([3.0, 0.0])[:, None, None]
    full, short = (
        estimate_epsilons(*pair, protocol=protocol, options=EpsilonOptions(), lower=lower) for lower in (True, False)
    )
    np.testing.assert_array_equal(full.estimate, short.estimate)
    assert full.attack == short.attack
    assert not short.lower.any()


@settings(max_examples=25)
@given(pair=pools(least=2))
def test_every_family_answers_whatever_the_values(pair):
    for epsilons in compute_epsilons_by_attack(*pair).values():
        assert (epsilons >= 0).all()
        assert (epsilons <= np.log(20)).all()
