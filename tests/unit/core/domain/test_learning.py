from dataclasses import replace

import pytest

from core.domain.learning import Learning

GOOD = Learning(
    original_retain=0.97, original_test=0.93, retrained_retain=0.96, retrained_test=0.92, guessing=0.1, models=64
)


def test_models_that_have_learnt_raise_no_doubt() -> None:
    assert GOOD.doubts == ()


@pytest.mark.parametrize("accuracy", [0.05, 0.2])
def test_below_twice_what_guessing_reaches_nothing_was_learnt(accuracy: float) -> None:
    (doubt,) = replace(GOOD, retrained_test=accuracy, original_test=0.22).doubts
    assert "of the test set" in doubt
    assert "hardly learnt" in doubt
    assert len(replace(GOOD, retrained_test=accuracy, retrained_retain=accuracy).doubts) == 2


def test_far_below_the_originals_the_forget_set_was_the_problem() -> None:
    (doubt,) = replace(GOOD, retrained_test=0.7).doubts
    assert "Forget less" in doubt
    assert replace(GOOD, retrained_test=0.8).doubts == ()


@pytest.mark.parametrize(("guessing", "bar"), [(0.1, 0.2), (0.5, 0.75), (0.9, 0.95), (0.0, 0.0)])
def test_the_bar_leaves_room_where_few_classes_are_guessed_easily(guessing: float, bar: float) -> None:
    assert replace(GOOD, guessing=guessing).bar == pytest.approx(bar)


def test_it_is_read_as_it_was_stored() -> None:
    assert Learning.read({"original_retain": 1, "original_test": 1, "retrained_retain": 1, "retrained_test": 0.0,
                          "guessing": 0.0, "models": 1}).doubts != ()  # fmt: skip
