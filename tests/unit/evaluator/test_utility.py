import pytest

from evaluator import InvalidPool, compute_final_score, compute_utility


def test_the_final_score_is_quality_times_both_ratios():
    """docs/metric.md, §9, by hand: 0.4 x (0.9 / 0.96) x (0.7 / 0.8)."""
    score = compute_final_score(
        0.4,
        retain_unlearned=[0.88, 0.92],
        test_unlearned=[0.7, 0.7],
        retain_retrained=[0.96],
        test_retrained=[0.8, 0.8],
    )
    assert score == pytest.approx(0.328125)


def test_ratios_are_of_means_and_not_means_of_ratios():
    utility = compute_utility(
        retain_unlearned=[0.2, 0.8], test_unlearned=[1.0], retain_retrained=[0.4, 0.6], test_retrained=[1.0]
    )
    assert utility.retain_ratio == pytest.approx(1.0)


def test_a_ratio_above_one_raises_the_score():
    better = compute_final_score(0.5, retain_unlearned=1, test_unlearned=1, retain_retrained=0.8, test_retrained=1)
    assert better == pytest.approx(0.625)


def test_an_unlearned_accuracy_of_zero_scores_zero():
    assert compute_final_score(1.0, retain_unlearned=[0], test_unlearned=[1], retain_retrained=1, test_retrained=1) == 0


def test_a_retrained_accuracy_of_zero_is_refused():
    with pytest.raises(InvalidPool, match="test accuracy 0"):
        compute_utility(retain_unlearned=1, test_unlearned=1, retain_retrained=1, test_retrained=[0, 0])


@pytest.mark.parametrize("quality", [-0.1, 1.1, float("nan")])
def test_a_quality_outside_its_range_is_refused(quality):
    with pytest.raises(InvalidPool):
        compute_final_score(quality, retain_unlearned=1, test_unlearned=1, retain_retrained=1, test_retrained=1)


def test_a_negative_accuracy_is_refused():
    with pytest.raises(InvalidPool, match="negative"):
        compute_utility(retain_unlearned=-0.1, test_unlearned=1, retain_retrained=1, test_retrained=1)
