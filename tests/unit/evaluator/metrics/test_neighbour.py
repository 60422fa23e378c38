import numpy as np
import pytest

from evaluator import EpsilonOptions, InvalidPool, compute_confidence
from evaluator.likeness import average_points
from evaluator.metrics.neighbour import compute_neighbour_confidences

MODELS, EXAMPLES, CLASSES = 48, 12, 5
LABELS = np.arange(EXAMPLES) % CLASSES


def draw(seed):
    return np.random.default_rng(seed).normal(size=(MODELS, EXAMPLES, CLASSES)) + 3.0 * np.eye(CLASSES)[LABELS]


def test_the_neighbour_is_the_likeliest_other_class_of_retrained_models():
    retrained = draw(1)
    found, _ = compute_neighbour_confidences(draw(2), retrained, LABELS)
    for example, own in enumerate(LABELS):
        others = [label for label in range(CLASSES) if label != own]
        nearest = max(others, key=lambda label: retrained[:, example, label].mean())
        left = draw(2)[:, example, others][:, None]
        expected = compute_confidence(left, [others.index(nearest)])[:, 0]
        np.testing.assert_allclose(found[:, example], expected)


def test_a_logit_pushed_down_is_not_looked_at_and_what_stands_behind_it_is():
    retrained, unlearned = draw(1), draw(2)
    pushed = unlearned - 20.0 * np.eye(CLASSES)[LABELS]
    same, _ = compute_neighbour_confidences(pushed, retrained, LABELS)
    np.testing.assert_allclose(same, compute_neighbour_confidences(unlearned, retrained, LABELS)[0])
    sharper = compute_neighbour_confidences(3.0 * pushed, retrained, LABELS)
    plain = compute_neighbour_confidences(pushed, retrained, LABELS)
    assert average_points(*sharper, EpsilonOptions()) < 0.7 * average_points(*plain, EpsilonOptions())


@pytest.mark.parametrize(
    ("shape", "said"), [((4, 3, 2), "needs 3 classes"), ((4, 2, 3), "of one shape"), ((4, 3), "of one shape")]
)
def test_what_cannot_be_attacked_is_named(shape, said):
    with pytest.raises(InvalidPool, match=said):
        compute_neighbour_confidences(np.zeros(shape), np.zeros((4, 3, shape[-1])), [0, 1, 0])
