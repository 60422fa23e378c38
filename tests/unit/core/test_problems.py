"""What a problem file may say about adaptive evaluation and attacks."""

from typing import Any

import pytest

from core.domain.errors import InvalidInput
from core.problems import ProblemSpec, find_problem, parse_problem


def _parse(exposure: str = "practice", **adaptive: Any) -> ProblemSpec:
    values = find_problem("digits").model_dump(mode="json")
    values |= {"exposure": exposure, "evaluation": values["evaluation"] | {"adaptive": adaptive}}
    return parse_problem(values, source="a file")


def test_no_entry_is_stopped_early_unless_the_problem_asks_for_it() -> None:
    assert find_problem("digits").evaluation.adaptive is None


@pytest.mark.parametrize("exposure", ["practice", "public"])
def test_an_open_or_public_problem_may_ask_for_it(exposure: str) -> None:
    adaptive = _parse(exposure, rival_place=3).evaluation.adaptive
    assert adaptive is not None
    assert (adaptive.rival_place, adaptive.alpha, adaptive.min_replicas) == (3, 0.05, 64)


def test_a_private_problem_ranks_by_all_replicas() -> None:
    with pytest.raises(InvalidInput, match="final ranking"):
        _parse("private")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"min_replicas": 256}, "nothing to save"),
        ({"min_replicas": 8}, "min_replicas"),
        ({"alpha": 0}, "alpha"),
        ({"alpha": 1}, "alpha"),
        ({"rival_place": 0}, "rival_place"),
        ({"patience": 3}, "patience"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_name(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        _parse(**values)


@pytest.mark.parametrize(
    ("attacks", "reason"),
    [([], "attacks"), (["half_line", "half_line"], "twice"), (["logistic_regression"], "attacks")],
)
def test_families_that_cannot_rank_are_refused(attacks: list[str], reason: str) -> None:
    values = find_problem("digits").model_dump(mode="json")
    values["evaluation"]["attacks"] = attacks
    with pytest.raises(InvalidInput, match=reason):
        parse_problem(values, source="a file")


def test_the_four_fast_families_rank_unless_others_are_named() -> None:
    assert find_problem("digits").evaluation.attacks == ["half_line", "interval", "complement", "likelihood_ratio"]
