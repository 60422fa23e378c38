"""Two pools to one epsilon per forget example, under one of three protocols."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats, Pool, check_pools, sort_by_example
from evaluator.exact import compute_exact_epsilons
from evaluator.held_out import (
    compute_counts_by_attack,
    compute_estimates,
    compute_held_out_counts,
    compute_lower_bounds,
)
from evaluator.logistic import Features, check_features
from evaluator.neurips2023 import compute_published_epsilons
from evaluator.spec import DEFAULT_ATTACKS, HELD_OUT_ATTACKS, Attack, EpsilonOptions, ScoringProtocol, read_name


@dataclass(frozen=True, slots=True)
class EpsilonEstimates:
    """Epsilon in nats per forget example, 0 <= lower <= estimate <= 50, and the attack that reached it."""

    protocol: ScoringProtocol
    estimate: Floats  # (N,)
    lower: Floats  # (N,)
    attack: tuple[Attack, ...]
    unlearned_replicas: int
    retrained_replicas: int
    options: EpsilonOptions


def compute_epsilons(
    unlearned: Pool,
    retrained: Pool,
    *,
    protocol: ScoringProtocol = ScoringProtocol.held_out,
    delta: float = 1e-5,
    alpha: float = 0.05,
    folds: int = 5,
    split_seeds: int = 4,
    seed: int = 0,
    confidence: float = 0.95,
    attacks: Collection[Attack] = DEFAULT_ATTACKS,
    unlearned_features: ArrayLike | None = None,
    retrained_features: ArrayLike | None = None,
) -> EpsilonEstimates:
    """How well the attacks tell unlearned from retrained models, per forget example.

    unlearned, retrained: (R, N) confidences; the same N >= 1; R >= 2 in each and may differ.
    delta: slack in [0, 1), not used by held_out. alpha: least mass that counts, in (0, 0.5]; held_out only, as are
    folds (at most R are used), split_seeds, seed and attacks, the families to choose from. confidence: level of the
    lower bound. unlearned_features, retrained_features: (R, N, F) finite outputs, such as all logits, which
    Attack.logistic_regression needs; nothing else reads them.
    Returns estimate and lower bound, (N,) each, in nats: at most ln(1 / alpha) under held_out, at most 50, which
    means separable, under the other two.
    Raises InvalidPool if a value is not finite, the shapes disagree, an option is out of range or features lack.
    Source: docs/metric.md §3 to §7.

    >>> pool = [[0.0], [1.0], [2.0], [3.0]]
    >>> compute_epsilons(pool, pool, protocol=ScoringProtocol.exact).estimate.tolist()
    [0.0]
    """
    options = EpsilonOptions(delta, alpha, folds, split_seeds, seed, confidence, tuple(attacks))
    features = (unlearned_features, retrained_features)
    return estimate_epsilons(unlearned, retrained, protocol=protocol, options=options, features=features)


def compute_epsilons_by_attack(
    unlearned: Pool,
    retrained: Pool,
    *,
    options: EpsilonOptions | None = None,
    unlearned_features: ArrayLike | None = None,
    retrained_features: ArrayLike | None = None,
) -> dict[Attack, Floats]:
    """Epsilon under held_out had each family been the only one, per forget example.

    unlearned, retrained: (R, N) confidences, and (R, N, F) features or none, as for compute_epsilons.
    options: if not given, every family, logistic regression only with features; its `attacks` otherwise.
    Returns (N,) nats in [0, ln(1 / alpha)] by family; the folds are those of compute_epsilons.
    Raises InvalidPool as compute_epsilons does. Source: docs/metric.md §6.

    >>> by_attack = compute_epsilons_by_attack([[0.0]] * 20, [[1.0]] * 20)
    >>> [(str(attack), round(float(epsilon[0]), 2)) for attack, epsilon in by_attack.items()][:2]
    [('half_line', 2.95), ('interval', 2.95)]
    """
    left, right = check_pools(unlearned, retrained)
    features = check_features(unlearned_features, retrained_features, (left, right))
    known = HELD_OUT_ATTACKS if features else HELD_OUT_ATTACKS[:-1]
    options = options or EpsilonOptions(attacks=known)
    counts = compute_counts_by_attack(left, right, options, features)
    return {attack: compute_estimates(held, options.alpha) for attack, held in counts.items()}


def estimate_epsilons(
    unlearned: Pool,
    retrained: Pool,
    *,
    protocol: ScoringProtocol,
    options: EpsilonOptions,
    lower: bool = True,
    features: tuple[ArrayLike | None, ArrayLike | None] = (None, None),
) -> EpsilonEstimates:
    """`compute_epsilons` with its options as one value; pools are (R, N), features (R, N, F), the answer (N,).

    lower=False leaves the bounds at zero: an interval rescores many times and needs the estimates only.
    """
    left, right = check_pools(unlearned, retrained)
    protocol = read_name(ScoringProtocol, protocol, "protocol")
    if protocol is ScoringProtocol.held_out:
        estimate, bound, attack = _held_out(left, right, options, lower, check_features(*features, (left, right)))
    else:
        estimate, bound, attack = _RULES[protocol](left, right, options, lower)
    return EpsilonEstimates(
        protocol=protocol,
        estimate=estimate,
        lower=np.minimum(bound, estimate),
        attack=attack,
        unlearned_replicas=left.shape[0],
        retrained_replicas=right.shape[0],
        options=options,
    )


RuleAnswer = tuple[Floats, Floats, tuple[Attack, ...]]


def _held_out(
    unlearned: Floats, retrained: Floats, options: EpsilonOptions, lower: bool, features: Features | None
) -> RuleAnswer:
    counts = compute_held_out_counts(unlearned, retrained, options, features)
    estimate = compute_estimates(counts, options.alpha)
    bound = compute_lower_bounds(counts, options.alpha, options.confidence) if lower else np.zeros_like(estimate)
    return estimate, bound, counts.attack


def _neurips2023(unlearned: Floats, retrained: Floats, options: EpsilonOptions, lower: bool) -> RuleAnswer:
    rows = sort_by_example(unlearned), sort_by_example(retrained)
    estimate, attack = compute_published_epsilons(*rows, options.delta)
    if not lower:
        return estimate, np.zeros_like(estimate), attack
    # The published rule has no bound; its regions are windows, so the bound over all windows holds for them.
    bound = compute_exact_epsilons(
        *rows, delta=options.delta, confidence=options.confidence, metric=options.bounds
    ).lower
    return estimate, bound, attack


def _exact(unlearned: Floats, retrained: Floats, options: EpsilonOptions, lower: bool) -> RuleAnswer:
    rows = sort_by_example(unlearned), sort_by_example(retrained)
    confidence = options.confidence if lower else None
    answer = compute_exact_epsilons(*rows, delta=options.delta, confidence=confidence, metric=options.bounds)
    return answer.epsilon, answer.lower, answer.attack


_RULES = {
    ScoringProtocol.neurips2023: _neurips2023,
    ScoringProtocol.exact: _exact,
}
