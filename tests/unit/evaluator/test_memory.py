import numpy as np
import pytest

from evaluator.memory import Memory, compute_memory
from tests.unit.evaluator.twins import tell_memory

MODELS, EXAMPLES = 48, 60


def draw(shift, *, seed, spread=1.0, examples=EXAMPLES):
    rng = np.random.default_rng(seed)
    return shift + spread * rng.normal(size=(MODELS, examples)), rng.normal(size=(MODELS, examples))


def test_no_memory_is_even_however_far_the_models_drifted():
    for shift in (0.0, 1.0, -2.0):
        assert compute_memory(draw(shift, seed=1), draw(shift, seed=2)).auc == pytest.approx(0.5, abs=0.04)


def test_memory_shows_whatever_else_moved():
    for drift in (0.0, 1.0, -1.0):
        assert compute_memory(draw(1.0 + drift, seed=1), draw(drift, seed=2)).auc > 0.7


def test_forgetting_too_much_shows_on_the_other_side():
    found = compute_memory(draw(-1.0, seed=1), draw(0.0, seed=2))
    assert found.auc < 0.3


def test_a_collapsed_spread_is_no_memory():
    assert compute_memory(draw(0.0, seed=1, spread=0.1), draw(0.0, seed=2, spread=0.1)).auc == pytest.approx(
        0.5, abs=0.15
    )


def test_any_increasing_map_of_one_example_changes_nothing():
    forget, test = draw(0.5, seed=1), draw(0.0, seed=2)
    slopes = np.linspace(0.1, 9.0, EXAMPLES)
    mapped = tuple(np.exp(part * slopes) for part in forget)
    assert compute_memory(mapped, test) == compute_memory(forget, test)


def test_constant_pools_are_even():
    still = np.ones((4, 3)), np.ones((5, 3))
    assert compute_memory(still, still) == Memory(0.5, 0.0)


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_the_error_is_what_fresh_models_show(shared):
    """The forget examples of a model may move together, as those of a class do: test examples do not."""
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        forget = [
            np.sqrt(1 - shared) * rng.normal(size=(24, 30)) + np.sqrt(shared) * rng.normal(size=(24, 1))
            for _ in range(2)
        ]
        found.append(compute_memory(tuple(forget), (rng.normal(size=(24, 50)), rng.normal(size=(24, 50)))))
    errors, seen = np.mean([each.error for each in found]), np.std([each.auc for each in found])
    assert errors == pytest.approx(seen, rel=0.25)


def test_a_slow_twin_counts_the_same_pairs():
    rng = np.random.default_rng(3)
    sizes = {"forget": 4, "test": 6}
    unlearned, retrained = (
        {split: rng.integers(0, 4, size=(models, size)) * 1.0 for split, size in sizes.items()} for models in (5, 7)
    )
    pairs = ((unlearned[split], retrained[split]) for split in sizes)
    found = compute_memory(*pairs)
    assert (found.auc, found.error) == pytest.approx(tell_memory(unlearned, retrained))
