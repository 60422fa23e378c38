"""Epsilon with the attack chosen on some models and judged on others: what boards rank by."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from evaluator.arrays import Floats, Ints
from evaluator.choices import Choices
from evaluator.kernel_density import choose_density_regions
from evaluator.likelihood_ratio import choose_ratio_regions
from evaluator.logistic import Features, choose_logistic_regions
from evaluator.ranking import rank_models
from evaluator.regions import CUT_FAMILIES, choose_cut_regions
from evaluator.spec import Attack, EpsilonOptions
from evaluator.splits import Folds, compute_outputs_key, draw_folds


@dataclass(frozen=True, slots=True)
class HeldOutCounts:
    """What the chosen regions held on models they were not chosen on, pooled over folds: (N, S) each."""

    gain: Ints
    gain_size: Ints
    cost: Ints
    cost_size: Ints
    attack: tuple[Attack, ...]  # (N,) the family chosen most often


def compute_held_out_counts(
    unlearned: Floats, retrained: Floats, options: EpsilonOptions, features: Features | None = None
) -> HeldOutCounts:
    """Choose a region per example, split seed and fold on the other folds of both (R, N) pools; count it there."""
    folds = draw_pool_folds(unlearned, retrained, options)
    choices = choose_regions(unlearned, retrained, folds, options, features)
    family = choices.merit.argmax(axis=0)
    votes = (family[..., None] == np.arange(len(options.attacks))).sum(axis=(1, 2))
    attack = tuple(options.attacks[index] for index in votes.argmax(axis=1))
    return pool_folds(choices.take(family), folds, attack)


def compute_counts_by_attack(
    unlearned: Floats, retrained: Floats, options: EpsilonOptions, features: Features | None = None
) -> dict[Attack, HeldOutCounts]:
    """What each family holds when it is the only one to choose from, on the same folds: (N, S) each."""
    folds = draw_pool_folds(unlearned, retrained, options)
    choices = choose_regions(unlearned, retrained, folds, options, features)
    return {
        attack: pool_folds(choices.of(index), folds, (attack,) * unlearned.shape[1])
        for index, attack in enumerate(options.attacks)
    }


def draw_pool_folds(unlearned: Floats, retrained: Floats, options: EpsilonOptions) -> Folds:
    """The folds of two (R, N) pools: at most as many as the smaller one has models."""
    sizes = (len(unlearned), len(retrained))
    return draw_folds(
        *sizes,
        count=min(options.folds, *sizes),
        split_seeds=options.split_seeds,
        seed=options.seed,
        outputs_key=compute_outputs_key(unlearned, retrained),
    )


def choose_regions(
    unlearned: Floats, retrained: Floats, folds: Folds, options: EpsilonOptions, features: Features | None = None
) -> Choices:
    """The best region of every family, (A, N, S, K) with A of options.attacks; each sees the training folds only."""
    ranked = rank_models(unlearned, retrained)
    parts: list[Choices] = []
    if set(CUT_FAMILIES) & set(options.attacks):
        cuts = choose_cut_regions(ranked, folds, options.alpha)
        parts += [cuts.of([index]) for index, attack in enumerate(CUT_FAMILIES) if attack in options.attacks]
    if Attack.likelihood_ratio in options.attacks:
        parts.append(choose_ratio_regions(ranked, folds, options.alpha))
    if Attack.kernel_density in options.attacks:
        parts.append(choose_density_regions(ranked, folds, options.alpha))
    if Attack.logistic_regression in options.attacks:
        parts.append(choose_logistic_regions(features, folds, options.alpha))
    return Choices.join(parts)


def pool_folds(choices: Choices, folds: Folds, attack: tuple[Attack, ...]) -> HeldOutCounts:
    """Sums over folds, (N, S), of one choice per example, split seed and fold: choices of (N, S, K) arrays."""
    held = folds.held_sizes()
    gain_size, cost_size = (np.where(choices.way == side, held[0], held[1]) for side in (0, 1))
    gain, size, cost, other = (part.sum(axis=2) for part in (choices.gain, gain_size, choices.cost, cost_size))
    return HeldOutCounts(gain, size, cost, other, attack)


def compute_estimates(counts: HeldOutCounts, alpha: float) -> Floats:
    """(N,) smoothed log ratio of the pooled counts, averaged over split seeds, at least 0: docs/metric.md §6."""
    gain = np.log((counts.gain + 1) / (counts.gain_size + 2))
    cost = np.log(np.maximum((counts.cost + 1) / (counts.cost_size + 2), alpha))
    estimates: Floats = np.maximum((gain - cost).mean(axis=1), 0.0)
    return estimates


def compute_lower_bounds(counts: HeldOutCounts, alpha: float, confidence: float) -> Floats:
    """(N,) lower confidence bound of epsilon_alpha: Clopper-Pearson on both masses, median over split seeds.

    Each side gets a quarter of the error: half for the two sides, half again because a median of p-values,
    doubled, is a p-value (Meinshausen, Meier and Buehlmann 2009).
    """
    error = (1 - confidence) / 4
    with np.errstate(divide="ignore"):
        gain = np.log(_bound_mass(counts.gain, counts.gain_size, error))
        cost = np.log(np.maximum(1 - _bound_mass(counts.cost_size - counts.cost, counts.cost_size, error), alpha))
        lower = np.asarray(np.median(gain - cost, axis=1), dtype=np.float64)
    return np.maximum(lower, 0.0, out=lower)


def _bound_mass(hits: Ints, size: Ints, error: float) -> Floats:
    """Clopper-Pearson lower bound of a mass."""
    bound = np.array(betaincinv(np.maximum(hits, 1), size - hits + 1, error), dtype=np.float64)
    bound[hits == 0] = 0.0
    return bound


def compute_separable_estimate(unlearned: int, retrained: int, alpha: float) -> float:
    """The estimate of two pools that share no value: the largest the protocol can show for these sizes."""
    return float(
        max(
            np.log((gain + 1) / (gain + 2)) - np.log(max(1 / (cost + 2), alpha))
            for gain, cost in ((unlearned, retrained), (retrained, unlearned))
        )
    )
