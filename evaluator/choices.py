"""What a family of regions answers with, and how strongly its training merit is shrunk."""

from dataclasses import dataclass

import numpy as np

from evaluator.arrays import Floats, Ints
from evaluator.spec import Attack
from evaluator.splits import Codes

# What kernels take and give: order, ascending confidences and fold codes of the models of every example; merit and
# held-out counts of one region; the arrays of Choices.
Models = tuple[Ints, Floats, Codes]
Found = tuple[float, int, int]
Arrays = tuple[Floats, Ints, Ints, Ints]

# Pseudo-counts of the choice, by freedom of the family: a family that can fit noise must show more models.
SHRINKAGE = {
    Attack.half_line: 2.0,
    Attack.interval: 8.0,
    Attack.complement: 8.0,
    Attack.likelihood_ratio: 2.0,
    Attack.kernel_density: 2.0,
    Attack.logistic_regression: 2.0,
}


@dataclass(frozen=True, slots=True)
class Choices:
    """The best region of F families per example, split seed and fold left out: (F, E, S, K) each."""

    merit: Floats  # shrunk ratio of its masses on the training folds
    gain: Ints  # models of the gain pool inside it, on the fold left out
    cost: Ints  # models of the cost pool inside it, there
    way: Ints  # 0: the unlearned pool is the gain pool, 1: the retrained one

    @classmethod
    def nothing(cls, families: int, rows: tuple[int, int, int]) -> "Choices":
        zeros = [np.zeros((families, *rows), np.int64) for _ in range(3)]
        return cls(np.full((families, *rows), -np.inf), *zeros)

    def arrays(self) -> Arrays:
        return self.merit, self.gain, self.cost, self.way

    @classmethod
    def join(cls, parts: "list[Choices]") -> "Choices":
        """All families of all parts."""
        merit, *counts = (np.concatenate(arrays) for arrays in zip(*(part.arrays() for part in parts), strict=True))
        return cls(np.asarray(merit, np.float64), *(np.asarray(count, np.int64) for count in counts))

    def of(self, family: int | list[int]) -> "Choices":
        """One family, without its axis, or several with it."""
        return Choices(self.merit[family], self.gain[family], self.cost[family], self.way[family])

    def take(self, family: Ints) -> "Choices":
        """The family of this index in every row: (E, S, K) each."""
        counts = [np.take_along_axis(array, family[None], axis=0)[0] for array in (self.gain, self.cost, self.way)]
        return Choices(np.take_along_axis(self.merit, family[None], axis=0)[0], *counts)
