from core.domain.scorecards import summarize
from tests.factories import make_scorecard_body


def test_a_summary_has_what_lists_show() -> None:
    body = make_scorecard_body(0.5) | {"flags": [{"code": "collapsed", "value": 3}]}
    summary = summarize(body)
    assert (summary["score_corrected"], summary["utility"], summary["retain_accuracy"]) == (0.485, 0.98, 95.0)
    assert (summary["over_budget"], summary["flags"], summary["ceiling"]) == (False, ["collapsed"], body["ceiling"])


def test_a_scorecard_from_before_is_summarized_with_gaps() -> None:
    assert {value for value in summarize({}).values() if not isinstance(value, list)} == {None, False}


def test_a_summary_carries_nothing_of_single_examples() -> None:
    assert "per_example" not in str(summarize(make_scorecard_body()))
