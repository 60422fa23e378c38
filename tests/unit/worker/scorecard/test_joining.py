"""One record of several requests: means, sums and the worst flag, and of one request nothing but itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.scorecard import FlagCheck, MetricLine, ScorecardRecord, parse_scorecard
from tests.scorecard_bodies import make_metric
from worker.scorecard.joining import join_ceilings, join_checks, join_metrics, join_provenance


def load() -> ScorecardRecord:
    return parse_scorecard(json.loads(Path("tests/fixtures/scorecards/form-4.json").read_text()))


def make_check(code: str = "no_op", **changes: Any) -> FlagCheck:
    values = {"severity": None, "value": 0.5, "threshold": 0.1, "fires": "below", "detail": "Fine."}
    return FlagCheck.model_validate({"code": code, **values, **changes})


def test_the_worst_check_of_any_request_is_told_with_its_request() -> None:
    fine, closer = make_check(), make_check(value=0.2)
    fired = make_check(severity="suspicious", value=0.01, detail="Nothing moved.")
    skipped = make_check("swap_ignored", value=None, threshold=None, detail="Not run.")
    ran = make_check("swap_ignored", value=0.9, threshold=0.25, detail="It follows.")
    found = join_checks([[fine, ran], [fired, skipped], [closer, skipped]])
    assert [(check.code, check.severity) for check in found] == [("no_op", "suspicious"), ("swap_ignored", None)]
    assert [check.detail for check in found] == ["Request 2: Nothing moved.", "Request 1: It follows."]
    assert join_checks([[fine], [closer]])[0].detail == "Request 2: Fine."
    assert join_checks([[fine, ran]]) == (fine, ran)


def line(**changes: Any) -> MetricLine:
    return MetricLine.model_validate(make_metric(**changes))


def test_metrics_are_means_over_requests_where_all_have_a_value() -> None:
    one = line(value=10.0, standard_error=3.0, models=32, retrained=12.0)
    other = line(value=20.0, standard_error=4.0, models=31, retrained=14.0)
    (found,) = join_metrics([[one], [other]])
    assert (found.value, found.standard_error, found.models, found.retrained) == (15.0, 2.5, 63, 13.0)
    missing = line(value=None, models=0, note="too few models")
    assert join_metrics([[one], [missing]]) == (missing,)
    assert join_metrics([[one], [one]]) == (one,)  # such as the seconds of the evaluation


def test_ceilings_of_independent_banks_are_averaged() -> None:
    ceiling = load().ceiling
    higher = ceiling.model_copy(update={"estimate": ceiling.estimate + 0.02, "high": ceiling.high + 0.02})
    found = join_ceilings([ceiling, higher])
    assert found.estimate == pytest.approx(ceiling.estimate + 0.01)
    assert 0 < found.high - found.estimate < ceiling.high - ceiling.estimate
    assert join_ceilings([ceiling]) is ceiling


def test_digests_of_one_request_are_its_own_and_of_several_cover_all() -> None:
    provenance = load().provenance
    other = provenance.model_copy(update={"manifest_digest": "e" * 64})
    assert join_provenance([provenance]) == provenance
    found = join_provenance([provenance, other])
    assert len({found.manifest_digest, provenance.manifest_digest, other.manifest_digest}) == 3
    assert found.pool_digests != provenance.pool_digests
