from itertools import pairwise

import numpy as np
import pytest

from core.scorecard import MetricLine, SplitLikeness, parse_scorecard
from tests.scorecard_bodies import make_metric
from tests.unit.worker.reports import make_body, make_detail, make_record
from worker.report.rows import (
    correlate_ranks,
    list_accuracies,
    list_buckets,
    list_quarters,
    list_steps,
    show_points,
    split_metrics,
    sum_points,
)


def test_points_earned_add_up_to_the_forgetting_quality_exactly() -> None:
    record = make_record()
    assert sum_points(record) == record.forgetting_quality
    rows = list_buckets(record)
    assert sum(row.earned for row in rows) == pytest.approx(record.forgetting_quality, abs=1e-15)
    assert sum(row.earned + row.lost for row in rows) == pytest.approx(1.0, abs=1e-15)


def test_a_bucket_says_its_range_its_points_and_its_examples() -> None:
    rows = list_buckets(make_record())
    assert [(row.label, row.points, row.examples) for row in rows] == [
        ("0 to 0.5", "1", 20),
        ("0.5 to 1", "1/2", 10),
        ("1 to 1.5", "1/4", 0),
        ("1.5 and more", "0", 10),
    ]
    assert (rows[1].earned, rows[1].lost) == (0.125, 0.125)


def test_a_scorecard_that_lists_paying_buckets_only_can_be_read() -> None:
    body = make_body()
    body["epsilon"]["points"] = body["epsilon"]["points"][:3]
    record = parse_scorecard(body)
    assert list_buckets(record)[3].lost == 0.25
    assert sum_points(record) == record.forgetting_quality


def test_steps_of_the_version_that_ranks_by_likeness_lead_to_its_score() -> None:
    record = make_record()
    quality = sum_points(record)
    likeness = SplitLikeness(forget=quality, test=2 * quality, retain=quality / 4, balance=0.5)
    utility = record.utility.model_copy(update={"retain_ratio": 1.2, "test_ratio": 0.9})
    record = record.model_copy(update={"metric_version": "lacuna-3", "likeness": likeness, "utility": utility})
    steps = list_steps(record)
    assert [step.label for step in steps[-4:]] == ["smallest F", "balance", "retain accuracy", "test accuracy"]
    assert [step.before for step in steps[1:]] == [step.after for step in steps[:-1]]
    assert steps[-1].after == pytest.approx(quality / 4 * 0.5 * 1.0 * 0.9)


def test_steps_lead_from_one_to_the_score_without_a_gap() -> None:
    record = make_record()
    steps = list_steps(record)
    assert (steps[0].before, steps[-1].after) == (1.0, pytest.approx(record.score.estimate))
    assert [step.before for step in steps[1:]] == [step.after for step in steps[:-1]]
    assert [step.label for step in steps] == [
        "ε 0 to 0.5",
        "ε 0.5 to 1",
        "ε 1.5 and more",
        "retain accuracy",
        "test accuracy",
    ]


def test_an_accuracy_that_cannot_be_compared_has_no_ratio() -> None:
    body = make_body()
    body["accuracy"]["retrained"]["forget"] = 0.0
    assert [row.ratio for row in list_accuracies(parse_scorecard(body))] == [0.9, None, 0.5]


def test_quarters_go_from_difficult_to_easy_and_hold_every_example_once() -> None:
    detail = make_detail()
    rows = list_quarters(detail)
    assert [row.examples for row in rows] == [10, 10, 10, 10]
    assert all(first.high <= second.low for first, second in pairwise(rows))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_examples_fill_few_quarters(count: int) -> None:
    detail = make_detail(epsilons=np.arange(float(count)), difficulty=np.arange(float(count)))
    assert sum(row.examples for row in list_quarters(detail)) == count


def test_rank_correlation_sees_order_and_not_distance() -> None:
    values = np.array([0.1, 5.0, 2.0, 900.0])
    assert correlate_ranks(values, np.exp(-values / 1000)) == pytest.approx(-1)
    assert correlate_ranks(values, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(1)


def test_a_constant_correlates_with_nothing() -> None:
    assert correlate_ranks(np.ones(4), np.arange(4.0)) is None


def test_points_are_shown_as_fractions() -> None:
    assert [show_points(worth) for worth in (1.0, 0.5, 0.0625, 0.0)] == ["1", "1/2", "1/16", "0"]


def test_variants_of_klom_stand_apart_and_order_is_kept() -> None:
    groups = {"ua": "accuracy", "k1": "klom", "zrf": "divergence"}
    metrics = [MetricLine(**make_metric(name, group=group)) for name, group in groups.items()]
    first, second = split_metrics(metrics)
    assert [entry.id for entry in first] == ["ua", "zrf"]
    assert [entry.id for entry in second] == ["k1"]
