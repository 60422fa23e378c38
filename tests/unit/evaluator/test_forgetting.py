import math

import numpy as np
import pytest

from evaluator import (
    Attack,
    InvalidPool,
    ScoredPool,
    ScoringProtocol,
    ScoringSpec,
    compute_epsilons,
    compute_forgetting_quality,
    compute_points,
    count_buckets,
    score,
)
from evaluator.explain import explain_example
from evaluator.forgetting import compute_pool_points, count_examples_by_bucket

RULE = ScoringProtocol.neurips2023


@pytest.mark.parametrize(
    ("replicas", "buckets"),
    [(2, 0), (3, 2), (4, 4), (8, 4), (9, 6), (21, 6), (22, 8), (55, 8), (56, 10), (149, 10), (404, 12), (405, 14)],
)
def test_the_published_number_of_buckets_follows_from_the_replicas(replicas, buckets):
    assert count_buckets(replicas, protocol=RULE) == buckets


@pytest.mark.parametrize(("replicas", "buckets"), [(5, 3), (10, 4), (16, 5), (64, 5), (512, 5), (10_000, 5)])
def test_under_held_out_separable_pools_fall_into_the_first_bucket_that_earns_nothing(replicas, buckets):
    assert count_buckets(replicas) == buckets


def test_a_protocol_may_be_given_by_its_name_and_another_name_is_refused():
    for protocol in ScoringProtocol:
        assert count_buckets(512, protocol=str(protocol)) == count_buckets(512, protocol=protocol)
        points = compute_points([0.6, 2.6], 512, protocol=str(protocol))
        assert points.tolist() == compute_points([0.6, 2.6], 512, protocol=protocol).tolist()


POOLS = np.arange(8.0).reshape(2, 4, 1)
CARD = score(*[ScoredPool(pool, np.ones(4), np.ones(4), np.ones(4)) for pool in POOLS], protocols=["exact"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda name: count_buckets(512, protocol=name),
        lambda name: compute_points([0.6], 512, protocol=name),
        lambda name: compute_epsilons(*POOLS, protocol=name),
        lambda name: compute_epsilons(*POOLS, attacks=[name]),
        lambda name: compute_forgetting_quality(*POOLS, protocol=name),
        lambda name: explain_example(*POOLS[:, :, 0], attack=Attack.half_line, protocol=name),
        lambda name: explain_example(*POOLS[:, :, 0], attack=name),
        lambda name: ScoringSpec(protocol=name),
        lambda name: score(*[ScoredPool(pool, [1] * 4, [1] * 4, [1] * 4) for pool in POOLS], protocols=[name]),
        CARD.under,
    ],
)
@pytest.mark.parametrize("name", ["nonsense", "HELD_OUT", "held out", "", None, 3, ["held_out"]])
def test_what_has_no_such_name_is_refused_by_every_function(ask, name):
    with pytest.raises(InvalidPool, match="must be one of"):
        ask(name)


def test_one_name_is_no_list_of_attacks():
    with pytest.raises(InvalidPool, match="an attack must be one of"):
        compute_epsilons(*POOLS, attacks="interval")


def test_a_scorecard_knows_its_protocols_by_name_and_refuses_others():
    assert CARD.under("exact") is CARD.under(ScoringProtocol.exact)
    with pytest.raises(InvalidPool, match="was not scored under neurips2023"):
        CARD.under("neurips2023")


def test_a_smaller_floor_of_mass_gives_more_buckets():
    assert count_buckets(512, alpha=0.01) == 9


def test_each_bucket_earns_half_of_the_one_before():
    points = compute_points([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], 512)
    assert points.tolist() == [1, 0.5, 0.25, 0.125, 0.0625, 0]


def test_the_last_published_bucket_earns_and_the_cap_does_not():
    points = compute_points([6.23, 6.99, 7.0, 50.0], 512, protocol=RULE)
    assert points.tolist() == [2.0**-12, 2.0**-13, 0, 0]


def test_negative_and_infinite_epsilons_are_refused():
    for bad in (-0.1, math.inf, math.nan):
        with pytest.raises(InvalidPool):
            compute_points([bad], 64)


def test_the_histogram_counts_every_example_once_and_explains_the_quality():
    rng = np.random.default_rng(0)
    epsilons = compute_epsilons(rng.normal(size=(64, 40)) + rng.uniform(0, 4, 40), rng.normal(size=(64, 40)))
    buckets = count_examples_by_bucket(epsilons)
    assert sum(bucket.examples for bucket in buckets) == 40
    quality = sum(bucket.examples * bucket.points for bucket in buckets) / 40
    assert quality == pytest.approx(compute_pool_points(epsilons).mean())
