"""What one unlearned model by itself still tells about who was forgotten: forget against test examples.

Neither set was learned by retrained models. So each confidence is replaced by its place among theirs for the same
example, and forget and test examples of one model are compared by that: memory lifts the places of the forget set.
"""

import math
from dataclasses import dataclass

import numpy as np

from evaluator.arrays import Floats, Ints
from evaluator.compiled import compiled

Pair = tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Memory:
    """Area under the ROC curve, 0.5 where nothing is remembered, and its standard error over fresh models."""

    auc: float
    error: float


def compute_memory(forget: Pair, test: Pair) -> Memory:
    """Chance that a forget example has a higher place than a test example of the same unlearned model, ties half.

    forget, test: unlearned (R, N) and retrained (R', N) confidences of one set, and of the other with N'.
    Averaged over models; 0.5 where nothing is remembered, however far the models are from retrained ones. The error
    follows from how the models differ, and takes retrained ones to be as noisy a ruler: where the examples of a set
    move together, as those of one class do, few models leave much of it.
    Source: docs/metric.md §9.

    >>> import numpy as np
    >>> bank = np.array([[0.0], [1.0], [2.0]])
    >>> compute_memory((np.array([[3.0]]), bank), (np.array([[1.0]]), bank))
    Memory(auc=1.0, error=0.0)
    """
    ours, theirs = (
        _find_places(np.ascontiguousarray(unlearned), np.sort(np.ascontiguousarray(retrained.T), axis=1))
        for unlearned, retrained in (forget, test)
    )
    shares = _count_higher(ours, theirs, 2 * len(forget[1]) + 1) / (2 * ours.shape[1] * theirs.shape[1])
    spread = float(shares.std(ddof=1)) if len(shares) > 1 else 0.0
    return Memory(float(shares.mean()), spread * math.sqrt(1 / len(shares) + 1 / len(forget[1])))


@compiled
def _find_places(unlearned: Floats, banks: Floats) -> Ints:
    """(R, N): retrained models below, and those below or level, added; banks: (N, R') ascending."""
    models, examples = unlearned.shape
    places = np.empty((models, examples), np.int64)
    for example in range(examples):
        bank = banks[example]
        for model in range(models):
            value = unlearned[model, example]
            places[model, example] = np.searchsorted(bank, value) + np.searchsorted(bank, value, side="right")
    return places


@compiled
def _count_higher(forget: Ints, test: Ints, cells: int) -> Ints:
    """(R,) twice the number of a model's pairs whose forget example is higher, level ones once."""
    counts = np.zeros(len(forget), np.int64)
    for model in range(len(forget)):
        up_to = np.zeros(cells + 1, np.int64)
        for place in test[model]:
            up_to[place + 1] += 1
        for cell in range(cells):
            up_to[cell + 1] += up_to[cell]
        for place in forget[model]:
            counts[model] += up_to[place] + up_to[place + 1]
    return counts
