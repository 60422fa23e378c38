from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load

from tests.tiny_problems import make_tiny_spec
from worker.problems import LoadedProblem, load_problem, pack_splits
from worker.replicas.swapping import choose_swapped, swap_splits


@pytest.fixture(scope="module")
def problem() -> LoadedProblem:
    return load_problem(make_tiny_spec())


def test_places_follow_from_the_evaluation_and_nobody_guesses_them(problem: LoadedProblem) -> None:
    first, again, other = (choose_swapped(problem, name) for name in ("one", "one", "two"))
    assert first is not None
    assert other is not None
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)
    assert len(set(first)) == len(problem.splits.forget)
    assert max(first) < len(problem.splits.retain)


def test_sets_change_places_and_keep_their_shapes(problem: LoadedProblem) -> None:
    places = choose_swapped(problem, "one")
    assert places is not None
    swapped = swap_splits(problem, places)
    before, after = load(pack_splits(problem)), load(pack_splits(swapped))
    assert {name: value.shape for name, value in after.items()} == {n: v.shape for n, v in before.items()}
    np.testing.assert_array_equal(after["forget_x"], before["retain_x"][places])
    np.testing.assert_array_equal(after["retain_y"][places], before["forget_y"])
    untouched = np.setdiff1d(np.arange(len(before["retain_y"])), places)
    np.testing.assert_array_equal(after["retain_x"][untouched], before["retain_x"][untouched])
    assert set(swapped.splits.forget.ids).isdisjoint(swapped.splits.retain.ids)


def test_the_problem_itself_stays_as_it_is(problem: LoadedProblem) -> None:
    places = choose_swapped(problem, "one")
    assert places is not None
    kept = problem.splits.retain.x.copy()
    swap_splits(problem, places)
    np.testing.assert_array_equal(problem.splits.retain.x, kept)


def test_a_forget_set_of_more_than_half_of_what_is_kept_does_not_change_places(problem: LoadedProblem) -> None:
    few = problem.splits.retain.take(np.arange(len(problem.splits.forget)))
    crowded = replace(problem, splits=replace(problem.splits, retain=few))
    assert choose_swapped(crowded, "one") is None
