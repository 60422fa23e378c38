"""Two pools to one epsilon per forget example, under one of three protocols."""

from dataclasses import dataclass

import numpy as np

from evaluator.arrays import Floats, Pool, check_pools
from evaluator.exact import compute_exact_epsilons
from evaluator.held_out import compute_estimates, compute_held_out_counts, compute_lower_bounds
from evaluator.neurips2023 import compute_published_epsilons
from evaluator.spec import Attack, EpsilonOptions, ScoringProtocol


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
) -> EpsilonEstimates:
    """How well the attacks tell unlearned from retrained models, per forget example.

    unlearned, retrained: (R, N) confidences; the same N >= 1; R >= 2 in each and may differ.
    delta: slack in [0, 1), not used by held_out. alpha: least mass that counts, in (0, 0.5]; held_out only, as are
    folds (at most R are used), split_seeds and seed. confidence: level of the lower bound.
    Returns estimate and lower bound, (N,) each, in nats: at most ln(1 / alpha) under held_out, at most 50, which
    means separable, under the other two.
    Raises InvalidPool if a value is not finite, the shapes disagree, or an option is out of range.
    Source: docs/metric.md §3 to §7.

    >>> pool = [[0.0], [1.0], [2.0], [3.0]]
    >>> compute_epsilons(pool, pool, protocol=ScoringProtocol.exact).estimate.tolist()
    [0.0]
    """
    options = EpsilonOptions(
        delta=delta, alpha=alpha, folds=folds, split_seeds=split_seeds, seed=seed, confidence=confidence
    )
    return estimate_epsilons(unlearned, retrained, protocol=protocol, options=options)


def estimate_epsilons(
    unlearned: Pool, retrained: Pool, *, protocol: ScoringProtocol, options: EpsilonOptions
) -> EpsilonEstimates:
    """`compute_epsilons` with its options as one value; pools are (R, N), the answer (N,)."""
    left, right = check_pools(unlearned, retrained)
    protocol = ScoringProtocol(protocol)
    estimate, lower, attack = _RULES[protocol](left, right, options)
    return EpsilonEstimates(
        protocol=protocol,
        estimate=estimate,
        lower=np.minimum(lower, estimate),
        attack=attack,
        unlearned_replicas=left.shape[0],
        retrained_replicas=right.shape[0],
        options=options,
    )


RuleAnswer = tuple[Floats, Floats, tuple[Attack, ...]]


def _held_out(unlearned: Floats, retrained: Floats, options: EpsilonOptions) -> RuleAnswer:
    counts = compute_held_out_counts(unlearned, retrained, options)
    estimate = compute_estimates(counts, options.alpha)
    return estimate, compute_lower_bounds(counts, options.alpha, options.confidence), counts.attack


def _neurips2023(unlearned: Floats, retrained: Floats, options: EpsilonOptions) -> RuleAnswer:
    estimate, attack = compute_published_epsilons(unlearned, retrained, options.delta)
    # The published rule has no bound; its regions are windows, so the bound over all windows holds for them.
    lower = compute_exact_epsilons(unlearned, retrained, delta=options.delta, confidence=options.confidence).lower
    return estimate, lower, tuple(attack)


def _exact(unlearned: Floats, retrained: Floats, options: EpsilonOptions) -> RuleAnswer:
    answer = compute_exact_epsilons(unlearned, retrained, delta=options.delta, confidence=options.confidence)
    return answer.epsilon, answer.lower, tuple(answer.attack)


_RULES = {
    ScoringProtocol.held_out: _held_out,
    ScoringProtocol.neurips2023: _neurips2023,
    ScoringProtocol.exact: _exact,
}
