import json
import math
from pathlib import Path

import pytest

from core.formula import LIKENESS_VERSION, describe_formula, list_factors
from core.scorecard import ScorecardRecord, parse_scorecard
from evaluator import Likeness, MetricVersion


def load(form: str) -> ScorecardRecord:
    return parse_scorecard(json.loads(Path(f"tests/fixtures/scorecards/{form}.json").read_text()))


def test_each_version_has_its_own_formula() -> None:
    old, new = load("form-3"), load("form-4")
    assert describe_formula(old).startswith(f"score {old.score.estimate:.3f} = forgetting quality")
    assert "least of F forget" in describe_formula(new)
    assert "least of F forget" not in describe_formula(new.model_copy(update={"metric_version": "lacuna-2"}))
    assert "least of F forget" not in describe_formula(new.model_copy(update={"protocol": "exact"}))


def test_the_version_is_the_evaluators() -> None:
    assert MetricVersion.lacuna_3 == LIKENESS_VERSION


@pytest.mark.parametrize("forget", [0.1, 0.25, 0.7])
def test_the_numbers_that_are_told_make_the_score(forget: float) -> None:
    found, record = Likeness(forget=forget, test=0.25, retain=0.5, memory=0.6), load("form-4")
    shown = record.likeness
    assert shown is not None
    update = {"forget": found.forget, "test": found.test, "retain": found.retain, "balance": found.balance}
    text = describe_formula(record.model_copy(update={"likeness": shown.model_copy(update=update)}))
    numbers = [float(word) for word in text.replace(",", "").split() if word[0].isdigit() and "." in word][1:]
    assert min(numbers[:3]) * numbers[3] == pytest.approx(found.quality, abs=2e-3)


def test_a_mean_over_pairs_says_so_and_its_factors_lead_to_the_score() -> None:
    """A mean of products is not the product of means: what is between them has a factor of its own."""
    record = load("form-5")
    assert "= mean over 2 originals × 2 requests of least of F forget" in describe_formula(record)
    factors = list_factors(record)
    assert factors[-1].name == "averaged pair by pair"
    assert math.prod(factor.value for factor in factors) == pytest.approx(record.score.estimate)
    assert list_factors(load("form-4")) == factors[:-1]
