from dataclasses import replace

import numpy as np
import pytest

from core.domain.errors import InvalidInput
from tests.tiny_problems import make_tiny_spec
from worker.problems import load_problem
from worker.training.hardest import join, rank_memorised


def test_wrong_labels_are_memorised_most() -> None:
    spec = make_tiny_spec(forget={"kind": "relabelled", "fraction": 1 / 6, "seed": 6}, recipe={"epochs": 40})
    problem = load_problem(spec)
    found = rank_memorised(problem, 4)
    planted = set(problem.splits.forget.ids.tolist())
    first = found.ids[: len(planted)].tolist()
    assert np.mean([example in planted for example in first]) > 2 / 3  # by chance: a sixth
    assert sorted(found.ids.tolist()) == sorted(join(problem.splits.retain, problem.splits.forget).ids.tolist())
    assert (np.diff(found.gaps) <= 0).all()


def test_the_order_does_not_depend_on_the_request_in_the_file() -> None:
    one, other = (
        rank_memorised(load_problem(make_tiny_spec(forget={"kind": "random", "fraction": 0.1, "seed": seed})), 2)
        for seed in (1, 2)
    )
    np.testing.assert_array_equal(one.ids, other.ids)


def test_too_few_examples_are_refused() -> None:
    problem = load_problem(make_tiny_spec())
    few = np.arange(2)
    splits = replace(problem.splits, retain=problem.splits.retain.take(few), forget=problem.splits.forget.take(few))
    with pytest.raises(InvalidInput, match="4 training examples are too few"):
        rank_memorised(replace(problem, splits=splits), 2)
