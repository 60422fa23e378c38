"""Epsilons to points, and points to forgetting quality."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats, Pool, check_vector
from evaluator.epsilon import EpsilonEstimates, estimate_epsilons
from evaluator.errors import InvalidPool
from evaluator.held_out import compute_separable_estimate
from evaluator.spec import BUCKET_WIDTH, EpsilonOptions, ScoringProtocol, read_name


@dataclass(frozen=True, slots=True)
class Bucket:
    """Epsilons in [low, high), the points each earns, and how many forget examples fell there."""

    low: float
    high: float
    points: float
    examples: int


def count_buckets(
    replicas: int,
    *,
    protocol: ScoringProtocol = ScoringProtocol.held_out,
    retrained_replicas: int | None = None,
    alpha: float = 0.05,
) -> int:
    """Number of buckets of width 0.5 that earn points; an epsilon beyond them earns none.

    replicas: of the unlearned pool; retrained_replicas: of the other, the same if not given.
    held_out: the bucket that two separable pools fall into is the first that earns nothing.
    neurips2023 and exact: 2 ceil(ln(replicas - 1)), 0 for fewer than three replicas.
    Raises InvalidPool for a protocol of no such name. Source: docs/metric.md §8.
    """
    if read_name(ScoringProtocol, protocol, "protocol") is ScoringProtocol.held_out:
        other = replicas if retrained_replicas is None else retrained_replicas
        return int(compute_separable_estimate(replicas, other, alpha) // BUCKET_WIDTH)
    return 2 * math.ceil(math.log(replicas - 1)) if replicas > 2 else 0


def compute_points(
    epsilons: ArrayLike,
    replicas: int,
    *,
    protocol: ScoringProtocol = ScoringProtocol.held_out,
    retrained_replicas: int | None = None,
    alpha: float = 0.05,
) -> Floats:
    """Points of each forget example: 2^-b in bucket b = floor(epsilon / 0.5), 0 beyond the last bucket.

    epsilons: (N,) nats, >= 0; replicas: of the unlearned pool. Returns (N,) points in [0, 1].
    Raises InvalidPool for a negative or not finite epsilon. Source: docs/metric.md §8.

    >>> compute_points([0.0, 0.49, 0.5, 1.2, 2.9], 256).tolist()
    [1.0, 1.0, 0.5, 0.25, 0.0]
    """
    values = check_vector(epsilons, "epsilons")
    if values.min() < 0:
        raise InvalidPool("an epsilon is negative")
    buckets = count_buckets(replicas, protocol=protocol, retrained_replicas=retrained_replicas, alpha=alpha)
    bucket = np.floor(values / BUCKET_WIDTH)
    return np.where(bucket < buckets, 2.0**-bucket, 0.0)


def compute_pool_points(epsilons: EpsilonEstimates) -> Floats:
    """(N,) points in [0, 1] of estimates that know their own protocol, sizes and options."""
    return compute_points(
        epsilons.estimate,
        epsilons.unlearned_replicas,
        protocol=epsilons.protocol,
        retrained_replicas=epsilons.retrained_replicas,
        alpha=epsilons.options.alpha,
    )


def compute_forgetting_quality(
    unlearned: Pool,
    retrained: Pool,
    *,
    protocol: ScoringProtocol = ScoringProtocol.held_out,
    options: EpsilonOptions | None = None,
) -> float:
    """Mean points over the forget examples, in [0, 1]; higher is better.

    unlearned, retrained: (R, N) confidences, as for compute_epsilons, which says what raises.
    Source: docs/metric.md §8.
    """
    epsilons = estimate_epsilons(unlearned, retrained, protocol=protocol, options=options or EpsilonOptions())
    return float(compute_pool_points(epsilons).mean())


def count_examples_by_bucket(epsilons: EpsilonEstimates) -> tuple[Bucket, ...]:
    """The histogram behind the forgetting quality; the last bucket, up to infinity, earns nothing."""
    buckets = count_buckets(
        epsilons.unlearned_replicas,
        protocol=epsilons.protocol,
        retrained_replicas=epsilons.retrained_replicas,
        alpha=epsilons.options.alpha,
    )
    fallen = np.minimum(np.floor(epsilons.estimate / BUCKET_WIDTH), buckets).astype(np.int64)
    examples = np.bincount(fallen, minlength=buckets + 1)
    paying = [Bucket(b * BUCKET_WIDTH, (b + 1) * BUCKET_WIDTH, 2.0**-b, int(examples[b])) for b in range(buckets)]
    return (*paying, Bucket(buckets * BUCKET_WIDTH, math.inf, 0.0, int(examples[buckets])))
