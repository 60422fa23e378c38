"""Which examples are compared, and by which version's rule."""

from dataclasses import replace

import numpy as np
import pytest

from core.domain.errors import PlatformFault
from core.scorecard import Ceiling
from evaluator import Likeness, MetricVersion, ScoredPool
from evaluator.joint import JointView
from worker.scorecard.joint import check_unseen, describe_joint, measure_clumping
from worker.scorecard.scored import COMPARED, choose_test, read_metric, thin

CEILING = Ceiling(
    estimate=0.9, low=0.8, high=1.0, forgetting_quality=0.96, test_quality=0.9, retain_quality=0.98, joint_auc=0.51
)
ALIKE = Likeness(forget=0.9, test=0.8, retain=0.7, memory=0.5)
UNLIKE = Likeness(forget=0.3, test=0.25, retain=0.2, memory=0.5)


def test_test_examples_are_of_the_classes_that_are_forgotten() -> None:
    labels = np.array([0, 1, 2, 1, 0, 2])
    assert choose_test(labels, np.array([1, 1])).tolist() == [1, 3]
    assert choose_test(labels, np.array([0, 2, 2])).tolist() == [0, 2, 4, 5]


def test_a_class_that_the_test_set_lacks_is_held_against_all_others() -> None:
    assert choose_test(np.array([0, 1, 0]), np.array([7])).tolist() == [0, 1, 2]


def test_many_examples_are_thinned_evenly() -> None:
    kept = thin(np.arange(5 * COMPARED))
    assert len(kept) == COMPARED
    assert (kept[0], kept[-1]) == (0, 5 * COMPARED - 1)
    assert set(np.diff(kept).tolist()) <= {5, 6}
    assert thin(np.arange(3)).tolist() == [0, 1, 2]


def test_terms_name_a_version_that_can_be_computed() -> None:
    assert read_metric("lacuna-3") is MetricVersion.lacuna_3
    with pytest.raises(PlatformFault, match="'lacuna-1' cannot be computed by this release, only lacuna-2, lacuna-3"):
        read_metric("lacuna-1")


def test_a_joint_law_is_flagged_where_single_examples_look_retrained() -> None:
    joint, clumped = check_unseen(JointView(auc=0.9, null_spread=0.05), 0.4, ALIKE, CEILING)
    assert (joint.code, joint.severity, joint.value, joint.threshold) == ("joint_law", "suspicious", 0.9, 0.7)
    assert (clumped.code, clumped.severity, clumped.value) == ("clumped_values", "suspicious", 0.4)
    quiet = check_unseen(JointView(auc=0.6, null_spread=0.05), 0.05, ALIKE, CEILING)
    assert [check.severity for check in quiet] == [None, None]


def test_an_entry_that_single_examples_tell_apart_is_not_asked() -> None:
    for found in check_unseen(JointView(auc=1.0, null_spread=0.05), 0.9, UNLIKE, CEILING):
        assert (found.value, found.severity) == (None, None)
        assert "tell the entry apart already" in found.detail


def test_what_cannot_be_checked_says_why() -> None:
    few = check_unseen(None, None, ALIKE, CEILING)
    assert [check.value for check in few] == [None, None]
    assert "too few models" in few[0].detail
    for likeness, ceiling in ((None, CEILING), (ALIKE, CEILING.model_copy(update={"test_quality": None}))):
        found = check_unseen(JointView(0.9, 0.05), 0.4, likeness, ceiling)
        assert all("Another protocol ranks" in check.detail for check in found)
    assert describe_joint(None, CEILING) is None


def test_the_set_of_examples_that_clumps_most_counts() -> None:
    rng = np.random.default_rng(0)
    ones, pools = np.ones(20), [rng.normal(size=(20, 6)) for _ in range(6)]
    apart = ScoredPool(pools[0], ones, ones, ones, None, pools[1] + 99, pools[2])
    bank = ScoredPool(pools[3], ones, ones, ones, None, pools[4], pools[5])
    assert measure_clumping(apart, bank) == 1
    assert measure_clumping(replace(apart, retain_confidences=None), bank) is None
