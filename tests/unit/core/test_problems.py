"""What a problem file may say about adaptive evaluation and attacks."""

from typing import Any

import pytest
from pydantic import ValidationError

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
        ({"min_replicas": 256}, "no replica is saved"),
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


def make_with_private(**changes: Any) -> ProblemSpec:
    private = {"forget": {"kind": "random", "fraction": 0.1, "seed": 77}, "split_seed": 78, "pool_seed": 79, **changes}
    return ProblemSpec.model_validate(find_problem("digits").model_dump() | {"private": private})


def test_a_private_part_is_in_nothing_that_is_stored_or_shown_of_the_public_problem() -> None:
    spec, plain = make_with_private(), find_problem("digits")
    assert spec.model_dump(mode="json") == plain.model_dump(mode="json")
    assert spec.model_dump_json() == plain.model_dump_json()
    assert spec.digest == plain.digest
    assert "private=" not in repr(spec)


def test_the_private_problem_differs_in_its_request_its_pools_and_that_it_is_hidden() -> None:
    public, private = make_with_private(), make_with_private().make_private()
    assert private is not None
    assert (private.exposure, private.split.seed, private.forget.seed, private.pools.seed) == ("private", 78, 77, 79)
    assert (private.slug, private.recipe, private.data) == (public.slug, public.recipe, public.data)
    assert private.make_private() is None
    assert find_problem("digits").make_private() is None


def test_every_finalist_runs_all_replicas() -> None:
    values = make_with_private().model_dump()
    values["evaluation"]["adaptive"] = {"min_replicas": 64}
    private = {"forget": {"kind": "random", "fraction": 0.1, "seed": 77}, "pool_seed": 79}
    hidden = ProblemSpec.model_validate(values | {"private": private}).make_private()
    assert hidden is not None
    assert hidden.evaluation.adaptive is None


def test_a_private_part_that_asks_for_the_same_is_refused() -> None:
    public = find_problem("digits")
    values = {"forget": public.forget.model_dump(), "split_seed": public.split.seed}
    with pytest.raises(ValidationError, match="has the public problem's forget request"):
        make_with_private(**values)
