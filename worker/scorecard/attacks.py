"""Which families of attacks told an entry from retraining, and how far each would have got alone."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.scorecard import AttackLine
from evaluator import Attack, EpsilonEstimates, EpsilonOptions, compute_epsilons_by_attack
from evaluator.logistic import LEAST_FOLDS
from evaluator.spec import HELD_OUT_ATTACKS

LARGEST_LOGIT = 1e4  # a wrong class at -inf is allowed in logits, not in the features of a regression


def describe_attacks(
    ranked: EpsilonEstimates,
    confidences: tuple[ArrayLike, ArrayLike],
    logits: tuple[NDArray[Any], NDArray[Any]],
) -> tuple[AttackLine, ...]:
    """One line per family: forget examples it won under the ranking rule, and its median epsilon alone.

    confidences: (R, N) of the unlearned and the retrained pool; logits: (R, N, K), for the logistic regression, which
    is left out below three models. A family that the ranking rule does not choose from is information only.
    """
    won = Counter(ranked.attack)
    alone = compute_epsilons_by_attack(
        *confidences,
        options=_with_every_family(ranked),
        unlearned_features=np.clip(logits[0], -LARGEST_LOGIT, LARGEST_LOGIT),
        retrained_features=np.clip(logits[1], -LARGEST_LOGIT, LARGEST_LOGIT),
    )
    medians = {attack: float(np.median(epsilons)) for attack, epsilons in alone.items()}
    return tuple(
        AttackLine(attack=attack, won=won[attack], median_epsilon=medians.get(attack))
        for attack in Attack
        if attack in medians or won[attack]
    )


def _with_every_family(ranked: EpsilonEstimates) -> EpsilonOptions:
    models = min(ranked.unlearned_replicas, ranked.retrained_replicas, ranked.options.folds)
    left_out = () if models >= LEAST_FOLDS else (Attack.logistic_regression,)
    return replace(ranked.options, attacks=tuple(attack for attack in HELD_OUT_ATTACKS if attack not in left_out))
