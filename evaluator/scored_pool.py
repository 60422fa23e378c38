"""What a score is computed from, and its checked form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluator.arrays import Floats, Ints, check_pool, check_vector
from evaluator.errors import InvalidPool
from evaluator.utility import Utility, compute_utility


@dataclass(frozen=True, slots=True)
class ScoredPool:
    """Outputs of R models: (R, N) confidences on the forget set, and (R,) accuracies as fractions.

    features: (R, N, F), such as all logits; only Attack.logistic_regression needs and reads them.
    test_confidences, retain_confidences: (R, T) and (R, P), the same examples for every model; lacuna-3 needs them.
    """

    confidences: ArrayLike
    retain_accuracy: ArrayLike
    test_accuracy: ArrayLike
    forget_accuracy: ArrayLike
    features: ArrayLike | None = None
    test_confidences: ArrayLike | None = None
    retain_confidences: ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class CheckedPool:
    """A scored pool whose arrays are float64, finite and of fitting shapes."""

    confidences: Floats
    retain_accuracy: Floats
    test_accuracy: Floats
    forget_accuracy: Floats
    features: Floats | None
    test_confidences: Floats | None
    retain_confidences: Floats | None

    @property
    def replicas(self) -> int:
        return len(self.confidences)

    def take(self, models: Ints) -> "CheckedPool":
        """The same of these models only."""
        return CheckedPool(
            self.confidences[models],
            self.retain_accuracy[models],
            self.test_accuracy[models],
            self.forget_accuracy[models],
            *(
                None if array is None else array[models]
                for array in (self.features, self.test_confidences, self.retain_confidences)
            ),
        )


def check_scored(pool: ScoredPool, name: str) -> CheckedPool:
    """Return the pool's arrays as float64 or raise InvalidPool; `name` is how a message calls the pool."""
    confidences = check_pool(pool.confidences, name)
    retain, test, forget = (
        check_vector(values, f"{name} {split} accuracy", length=len(confidences))
        for split, values in (
            ("retain", pool.retain_accuracy),
            ("test", pool.test_accuracy),
            ("forget", pool.forget_accuracy),
        )
    )
    if any(values.min() < 0 or values.max() > 1 for values in (retain, test, forget)):
        raise InvalidPool(f"accuracies of the {name} pool must be fractions in [0, 1]")
    features = None if pool.features is None else np.asarray(pool.features, dtype=np.float64)
    if features is not None and features.shape[:2] != confidences.shape:
        raise InvalidPool(f"the {name} features must be {(*confidences.shape, 'F')}, got shape {features.shape}")
    elsewhere = (
        None if values is None else _check_elsewhere(values, f"{name} {split}", len(confidences))
        for split, values in (("test", pool.test_confidences), ("retain", pool.retain_confidences))
    )
    return CheckedPool(confidences, retain, test, forget, features, *elsewhere)


def compare_accuracies(unlearned: CheckedPool, retrained: CheckedPool) -> Utility:
    """Accuracy kept on the retain and the test set."""
    return compute_utility(
        retain_unlearned=unlearned.retain_accuracy,
        test_unlearned=unlearned.test_accuracy,
        retain_retrained=retrained.retain_accuracy,
        test_retrained=retrained.test_accuracy,
    )


def _check_elsewhere(values: ArrayLike, name: str, replicas: int) -> Floats:
    pool = check_pool(values, f"{name} confidences")
    if len(pool) != replicas:
        raise InvalidPool(f"the {name} confidences are of {len(pool)} models, those on the forget set of {replicas}")
    return pool
