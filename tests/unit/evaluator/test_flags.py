"""Models are rows of normal numbers here: what makes a flag is the same for them as for networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import InvalidPool
from evaluator.fingerprints import make_reference
from evaluator.flags import (
    BELOW,
    LARGEST_FOLD,
    Check,
    FlagCode,
    Severity,
    check_brought,
    check_clumped,
    check_collapsed,
    check_copied,
    check_joint,
    check_no_op,
    check_relearning,
    check_rerun,
    check_swap,
    check_variance,
    compute_spread_ratio,
    skip,
)
from evaluator.joint import JointView
from tests.unit.evaluator.strategies import pools

OUTPUTS = 300


def draw(models: int, seed: int):
    return np.random.default_rng([9, seed]).normal(size=(models, OUTPUTS))


@pytest.fixture
def members():
    return draw(40, 0)


@pytest.fixture
def original():
    return draw(1, 1) + 3


@pytest.fixture
def reference(members, original):
    return make_reference(members, original)


def decay(rate: float, *, start: float, models: int = 4):
    return np.tile(start * np.exp(-rate * np.arange(65)), (models, 1))


def test_a_check_that_fired_is_a_flag_and_one_that_did_not_is_none():
    assert Check(FlagCode.no_op, 0.01, 0.1, "Said.", Severity.strong).flag is not None
    assert Check(FlagCode.no_op, 0.3, 0.1, "Said.").flag is None
    assert skip(FlagCode.no_op, "Why.").flag is None


def test_other_models_that_never_saw_the_forget_set_raise_nothing(members, reference):
    other = draw(30, 2)
    prints = reference.standardise(other)
    split = {"forget": other[:, :50], "retain": other[:, 50:]}
    known = {"forget": members[:, :50], "retain": members[:, 50:]}
    checks = [
        check_no_op(prints, reference, np.ones(30)),
        check_collapsed(prints, reference, [str(number) for number in range(30)]),
        check_variance(split, known, known),
        check_copied(prints, reference),
        check_rerun(prints, prints[:1]),
        check_relearning(decay(0.1, start=2.0), decay(0.1, start=2.0, models=9), 0.1),
        check_swap([-3.0, -2.7], [2.6], [0.0], [0.1], [-2.9, -3.1], alike=True),
        check_brought({"numbers": 40, "texts": 9}, 256),
        check_joint(JointView(0.55, 0.05), 0.9, usual=0.9),
        check_clumped(0.01, 0.9, usual=0.9),
    ]
    assert [check.code for check in checks] == list(FlagCode)
    assert [check.flag for check in checks] == [None] * len(FlagCode)
    for check in checks:
        assert check.value is not None
        assert (check.value < check.threshold) is (check.code not in BELOW) or check.value == check.threshold == 0


@pytest.mark.parametrize(("share", "fires"), [(1.0, True), (0.2, True), (0.05, False)])
def test_a_tenth_of_replicas_that_answer_as_the_original_is_a_no_op(original, reference, share: float, *, fires: bool):
    outputs = draw(60, 3)
    still = round(share * 60)
    outputs[:still] = original + 0.01 * outputs[:still]
    check = check_no_op(reference.standardise(outputs), reference, np.ones(60))
    assert check.severity == (Severity.suspicious if fires else None)


def test_weights_that_hardly_moved_are_a_no_op_whatever_the_outputs(reference):
    change = np.full(20, 1e-5)
    check = check_no_op(reference.standardise(draw(20, 3)), reference, change)
    assert (check.severity, check.value) == (Severity.strong, pytest.approx(1e-5))


def test_where_retrained_models_answer_as_the_original_outputs_say_nothing():
    reference = make_reference(np.ones((3, 4)), np.ones((1, 4)))
    assert check_no_op(np.zeros((5, 4)), reference, np.ones(5)).value is None


@pytest.mark.parametrize(("twins", "severity"), [(2, Severity.suspicious), (8, Severity.strong)])
def test_replicas_that_are_nearly_another_one_are_counted(reference, twins: int, severity: Severity):
    outputs = draw(40, 4)
    outputs[1:twins] = outputs[0] + 0.001 * outputs[1:twins]
    check = check_collapsed(reference.standardise(outputs), reference, [])
    assert (check.severity, check.value) == (severity, twins / 40)


def test_equal_weights_are_twins_even_if_outputs_are_not_looked_at(reference):
    digests = ["a", "b", "a", *map(str, range(17))]
    check = check_collapsed(reference.standardise(draw(20, 4)), reference, digests)
    assert (check.severity, check.value) == (Severity.strong, 0.1)


@pytest.mark.parametrize(
    ("factor", "severity"),
    [
        (1.0, None),
        (2.0, None),
        (5.0, "suspicious"),
        (20.0, "strong"),
        (0.5, None),
        (0.2, "suspicious"),
        (0.0, "strong"),
    ],
)
def test_replicas_may_vary_neither_far_more_nor_far_less(factor: float, severity: str | None):
    known, control = {"forget": draw(200, 5)}, {"forget": draw(200, 6)}
    check = check_variance({"forget": factor * draw(200, 7)}, known, control)
    assert check.severity == severity
    assert check.value is not None
    fold = LARGEST_FOLD if factor == 0 else max(factor, 1 / factor)
    assert check.value == pytest.approx(fold, rel=0.02)


def test_one_wild_replica_does_not_make_a_pool_vary():
    outputs = draw(40, 8)
    outputs[0] *= 1e6
    known = {"forget": draw(40, 5)}
    assert check_variance({"forget": outputs}, known, known).flag is None


def test_the_ratio_of_spreads_is_that_of_a_loop():
    left, right = draw(13, 8)[:, :7] * 3, draw(20, 9)[:, :7]
    right[:, 2] = 1.0  # an example on which retrained models agree says nothing
    ratios = []
    for example in (0, 1, 3, 4, 5, 6):
        widths = [np.quantile(pool[:, example], 0.75) - np.quantile(pool[:, example], 0.25) for pool in (left, right)]
        ratios.append(widths[0] / widths[1])
    assert compute_spread_ratio(left, right) == pytest.approx(np.median(ratios))


def test_retrained_models_that_all_agree_cannot_be_compared_with():
    constant = {"forget": np.ones((4, 3))}
    assert check_variance({"forget": draw(4, 1)[:, :3]}, constant, constant).value is None


@pytest.mark.parametrize(("noise", "fires"), [(0.0, True), (0.3, True), (2.0, False)])
def test_one_copy_of_a_member_among_honest_replicas_is_found(members, reference, noise: float, *, fires: bool):
    outputs = draw(40, 10)
    outputs[7] = members[3] + noise * outputs[7]
    check = check_copied(reference.standardise(outputs), reference)
    assert check.severity == (Severity.strong if fires else None)
    assert check.detail.startswith("1 of 40") is fires


def test_the_mean_of_all_members_is_no_copy(members, reference):
    outputs = members.mean(axis=0) + 0.01 * draw(20, 11)
    assert check_copied(reference.standardise(outputs), reference).flag is None


def test_two_equal_members_make_the_check_impossible(members, original):
    reference = make_reference(np.concatenate([members, members[:1]]), original)
    assert check_copied(reference.standardise(draw(4, 1)), reference).value is None


@pytest.mark.parametrize(("again", "fires"), [("same", False), ("nearly", False), ("other", True)])
def test_a_rerun_may_not_differ_as_another_seed_does(reference, again: str, *, fires: bool):
    outputs = draw(20, 12)
    rerun = {"same": outputs[:2], "nearly": outputs[:2] + 0.01, "other": draw(2, 13)}[again]
    check = check_rerun(reference.standardise(outputs), reference.standardise(rerun))
    assert check.severity == (Severity.suspicious if fires else None)
    assert check.value == pytest.approx({"same": 0, "nearly": 0.0075, "other": 1.1}[again], abs=0.1)


def test_where_the_seed_is_ignored_a_rerun_says_nothing(reference):
    outputs = np.tile(draw(1, 12), (5, 1))
    assert check_rerun(reference.standardise(outputs), reference.standardise(outputs[:1])).value is None


@pytest.mark.parametrize(("rate", "fires"), [(0.1, False), (0.15, False), (0.5, True)])
def test_what_comes_back_far_too_fast_was_hidden(rate: float, *, fires: bool):
    check = check_relearning(decay(rate, start=1.9), decay(0.1, start=2.0, models=9), 0.1)
    assert check.severity == (Severity.suspicious if fires else None)
    assert check.value == pytest.approx(0.1 / rate, rel=0.1)


def test_what_was_never_forgotten_is_not_hidden():
    check = check_relearning(decay(0.5, start=0.2), decay(0.1, start=2.0, models=9), 0.1)
    assert (check.value, check.flag) == (None, None)
    assert "still known" in check.detail


def test_where_nothing_was_memorised_nothing_can_come_back():
    check = check_relearning(decay(0.5, start=1.1), decay(0.001, start=1.2, models=9), 1.0)
    assert check.value is None
    assert "hardly better" in check.detail


@given(pools(least=5))
@settings(max_examples=40)
def test_any_two_pools_give_a_finite_fold_or_none(pair):
    left, right = pair
    check = check_variance({"forget": left}, {"forget": right}, {"forget": right})
    assert check.value is None or 1 <= check.value <= LARGEST_FOLD


@given(st.integers(0, 1000), st.sampled_from([0.0, 1e-6, 1.0, 1e6]))
@settings(max_examples=30)
def test_whatever_the_scale_every_check_ends_in_a_finite_value_or_none(seed: int, scale: float):
    rng = np.random.default_rng(seed)
    reference = make_reference(rng.integers(-1, 2, size=(5, 4)).astype(float), rng.normal(size=(2, 4)))
    prints = reference.standardise(scale * rng.integers(-1, 2, size=(6, 4)))
    before = prints.copy()
    checks = [
        check_no_op(prints, reference, rng.random(6)),
        check_collapsed(prints, reference, []),
        check_copied(prints, reference),
        check_rerun(prints, prints[1:2]),
    ]
    assert all(check.value is None or np.isfinite(check.value) for check in checks)
    np.testing.assert_array_equal(prints, before)


@pytest.mark.parametrize(
    ("unlearned", "swapped", "value", "fires"),
    [
        ([-3.0, -3.2, -2.8], [3.1, 2.9], 1.0, False),  # all of the forgetting moved
        ([-3.0, -3.0], [-3.0], 0.0, True),  # none did: the answer came along
        ([-3.0], [-1.6], 0.233, True),
        ([-3.0], [-1.4], 0.267, False),
        ([-1.0], [1.0], 1.0, False),  # a third of what retraining forgets
    ],
)
def test_forgetting_that_stays_when_the_forget_set_moves_came_from_elsewhere(unlearned, swapped, value, *, fires: bool):
    check = check_swap(unlearned, swapped, [0.0], [0.0], [-3.0, -3.0], alike=False)
    assert check.value == pytest.approx(value, abs=0.01)
    assert (check.severity is Severity.suspicious) is fires


@pytest.mark.parametrize(
    ("unlearned", "swapped", "spare", "value", "fires"),
    [
        ([-3.0], [3.2], [0.2], 1.0, False),  # from where the other original stands
        ([-3.0], [0.0], [0.0], 0.5, True),  # all of what it knows, nothing of what it does not
        ([-3.0], [1.1], [0.0], 0.683, True),
        ([-3.0], [1.3], [0.0], 0.717, False),
        ([-1.2], [0.0], [0.0], 0.5, False),  # it forgets so little that chance may be as large
    ],
)
def test_examples_that_are_like_the_known_ones_are_forgotten_as_well(unlearned, swapped, spare, value, *, fires: bool):
    check = check_swap(unlearned, swapped, [0.0], spare, [-3.0], alike=True)
    assert check.value == pytest.approx(value, abs=0.01)
    assert (check.severity is Severity.suspicious) is fires


@pytest.mark.parametrize(("unlearned", "retrained"), [([-0.5], [-3.0]), ([0.2], [-3.0]), ([-3.0], [0.0])])
def test_where_little_was_forgotten_nothing_can_move(unlearned, retrained):
    assert check_swap(unlearned, [0.0], [0.0], [0.0], retrained, alike=True).value is None


def test_contrasts_that_are_no_numbers_are_refused():
    with pytest.raises(InvalidPool):
        check_swap([-1.0], [0.0], [0.0], [float("nan")], [-1.0], alike=True)


def test_facts_that_do_not_fit_are_refused(reference):
    prints = reference.standardise(draw(4, 1))
    with pytest.raises(InvalidPool, match="3 digests for 4"):
        check_collapsed(prints, reference, ["a", "b", "c"])
    with pytest.raises(InvalidPool, match="weight_change"):
        check_no_op(prints, reference, np.ones(3))
    for rerun in (prints[:0], np.concatenate([prints, prints])):
        with pytest.raises(InvalidPool, match="reruns"):
            check_rerun(prints, rerun)
    with pytest.raises(InvalidPool, match="negative"):
        check_relearning([[np.nan, 1.0]], [[1.0, 0.5]], 0.1)


def test_a_joint_law_and_clumped_values_are_asked_for_where_single_examples_look_retrained():
    view = JointView(auc=0.8, null_spread=0.05)
    for check, value in (
        (lambda least: check_joint(view, least, usual=0.9), 0.8),
        (lambda least: check_clumped(0.3, least, usual=0.9), 0.3),
    ):
        assert (check(0.6).value, check(0.6).severity) == (value, Severity.suspicious)
        assert (check(0.4).value, check(0.4).severity) == (None, None)
    assert check_joint(JointView(0.69, 0.05), 0.6, usual=0.9).severity is None
    assert check_joint(JointView(1.0, 0.3), 0.6, usual=0.9).threshold == 1.0
    assert check_clumped(0.09, 0.6, usual=0.9).severity is None


def test_a_table_is_told_by_where_it_is():
    check = check_brought({"numbers": 6, "texts": 300, "rows": 0}, 256)
    assert (check.severity, check.value, check.threshold) == (Severity.suspicious, 306, 256)
    assert check.detail == "Of what was submitted 306 bytes read like a table (texts 300, numbers 6)."
