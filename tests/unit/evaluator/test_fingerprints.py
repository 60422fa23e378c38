import numpy as np
import pytest

from evaluator import InvalidPool
from evaluator.fingerprints import (
    COLUMNS,
    compute_distances,
    compute_fingerprints,
    find_nearest_twins,
    make_reference,
)


def draw(models: int, *, seed: int = 0, examples: int = 6, classes: int = 4, retain: int = 9):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(models, examples, classes)), rng.normal(size=(models, retain))


def test_a_constant_on_all_logits_of_an_example_changes_nothing():
    logits, confidence = draw(3)
    shifted = logits + np.random.default_rng(1).normal(size=(3, 6, 1))
    np.testing.assert_allclose(
        compute_fingerprints(shifted, confidence), compute_fingerprints(logits, confidence), atol=1e-12
    )


def test_small_outputs_are_taken_whole_and_large_ones_evenly():
    logits, confidence = draw(2)
    assert compute_fingerprints(logits, confidence).shape == (2, 6 * 4 + 9)
    wide = compute_fingerprints(np.zeros((2, 999, 10)), np.arange(2 * 9000.0).reshape(2, 9000))
    assert wide.shape == (2, 2 * COLUMNS)
    assert (wide[0, COLUMNS], wide[0, -1]) == (0, 8999)


def test_distances_are_those_of_a_loop():
    left, right = np.random.default_rng(0).normal(size=(4, 7)), np.random.default_rng(1).normal(size=(3, 7))
    slow = [[np.sqrt(np.mean((a - b) ** 2)) for b in right] for a in left]
    np.testing.assert_allclose(compute_distances(left, right), slow)
    alone = [min(np.sqrt(np.mean((left[a] - left[b]) ** 2)) for b in range(4) if b != a) for a in range(4)]
    np.testing.assert_allclose(find_nearest_twins(left), alone)


def test_independent_models_lie_the_square_root_of_two_apart():
    members = 5 + 3 * np.random.default_rng(0).normal(size=(60, 400))
    reference = make_reference(members, members[:1] + 30)
    distances = compute_distances(reference.members, reference.members)[np.triu_indices(60, 1)]
    assert np.mean(distances) == pytest.approx(np.sqrt(2), rel=0.01)
    assert reference.spacing == pytest.approx(distances.min())
    assert reference.travel > 9


def test_an_output_that_all_members_share_cannot_rule_the_distance():
    members = np.random.default_rng(0).normal(size=(20, 50))
    members[:, 0] = 1.0
    other = members[:1].copy()
    other[0, 0] = 2.0
    reference = make_reference(members, other)
    assert compute_distances(*(reference.standardise(part) for part in (members[:1], other)))[0, 0] < 2


def test_a_pool_of_one_model_repeated_has_no_spacing():
    reference = make_reference(np.ones((3, 4)), np.ones((1, 4)))
    assert (reference.spacing, reference.travel) == (0, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_inputs_of_any_precision_and_layout_are_left_alone(dtype):
    logits, confidence = (np.asfortranarray(part.astype(dtype)) for part in draw(3))
    before = logits.copy(), confidence.copy()
    for part in (logits, confidence):
        part.flags.writeable = False
    prints = compute_fingerprints(logits, confidence)
    assert prints.dtype == np.float64
    make_reference(prints, prints[:1])
    np.testing.assert_array_equal(logits, before[0])
    np.testing.assert_array_equal(confidence, before[1])


@pytest.mark.parametrize(
    ("logits", "confidence"),
    [
        (np.zeros((2, 3)), np.zeros((2, 3))),
        (np.zeros((2, 3, 4)), np.zeros((3, 3))),
        (np.zeros((2, 0, 4)), np.zeros((2, 3))),
        (np.full((2, 3, 4), np.nan), np.zeros((2, 3))),
        (np.zeros((2, 3, 4)), np.full((2, 3), np.inf)),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_bad_outputs_are_refused(logits, confidence):
    with pytest.raises(InvalidPool):
        compute_fingerprints(logits, confidence)


def test_prints_of_another_problem_and_lone_models_are_refused():
    reference = make_reference(np.random.default_rng(0).normal(size=(4, 5)), np.zeros((1, 5)))
    with pytest.raises(InvalidPool, match=r"\(R, 5\)"):
        reference.standardise(np.zeros((2, 6)))
    with pytest.raises(InvalidPool, match="no nearest"):
        find_nearest_twins(np.zeros((1, 5)))
