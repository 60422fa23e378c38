"""What a problem file may say about adaptive evaluation and attacks."""

from typing import Any

import pytest
from pydantic import ValidationError

from core.domain.errors import InvalidInput
from core.problem_files import find_problem, parse_problem
from core.problems import ProblemSpec
from tests.hidden_problems import make_hidden_values


def _parse(exposure: str = "practice", **adaptive: Any) -> ProblemSpec:
    values = find_problem("digits").model_dump(mode="json")
    values = values if exposure == "practice" else make_hidden_values(values) | {"exposure": exposure}
    values |= {"evaluation": values["evaluation"] | {"adaptive": adaptive}}
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


REQUEST = {"kind": "random", "fraction": 0.1, "seed": 2**64 + 77}
SEEDS = (2**64 + 78, 2**64 + 77, 2**64 + 79)  # of the split, the request and the pools


def make_with_private(**changes: Any) -> ProblemSpec:
    private = {"forget": REQUEST, "split_seed": 2**64 + 78, "pool_seed": 2**64 + 79, **changes}
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
    assert (private.exposure, private.split.seed, private.forget.seed, private.pools.seed) == ("private", *SEEDS)
    assert (private.slug, private.recipe, private.data) == (public.slug, public.recipe, public.data)
    assert private.make_private() is None
    assert find_problem("digits").make_private() is None


def test_every_finalist_runs_all_replicas() -> None:
    values = make_with_private().model_dump()
    values["evaluation"]["adaptive"] = {"min_replicas": 64}
    private = {"forget": REQUEST, "split_seed": 2**64 + 78, "pool_seed": 2**64 + 79}
    hidden = ProblemSpec.model_validate(values | {"private": private}).make_private()
    assert hidden is not None
    assert hidden.evaluation.adaptive is None


def test_a_private_part_that_asks_for_the_same_is_refused() -> None:
    public = find_problem("digits")
    values = {"forget": public.forget.model_dump(), "split_seed": public.split.seed}
    with pytest.raises(ValidationError, match="has the public problem's forget request"):
        make_with_private(**values)


@pytest.mark.parametrize("part", ["split", "forget", "pools"])
@pytest.mark.parametrize("exposure", ["public", "private"])
def test_a_hidden_phase_takes_no_seed_that_can_be_tried(exposure: str, part: str) -> None:
    values = make_hidden_values(find_problem("digits").model_dump(mode="json")) | {"exposure": exposure}
    parse_problem(values, source="a file")
    values[part]["seed"] = 2**64 - 1
    with pytest.raises(InvalidInput, match=rf"`{part}.seed` of a hidden phase must be 2\^64 or more"):
        parse_problem(values, source="a file")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("split_seed", {"split_seed": 78}),
        ("split_seed", {"split_seed": None}),  # as the open problem, which shows its own
        ("pool_seed", {"pool_seed": 79}),
        ("forget.seed", {"forget": REQUEST | {"seed": 77}}),
    ],
)
def test_nor_does_the_private_phase_of_an_open_problem(name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=rf"`private.{name}` of a hidden phase"):
        make_with_private(**changes)


def test_seeds_of_128_bits_come_back_whole_from_json() -> None:
    private = make_with_private().make_private()
    assert private is not None
    stored = private.model_dump(mode="json")
    assert stored["pools"]["seed"] == f"0x{2**64 + 79:032x}"
    again = parse_problem(stored, source="a database")
    assert (again, again.digest) == (private, private.digest)


@pytest.mark.parametrize("seed", [-1, 2**128, "many", 1.5])
def test_a_seed_is_a_whole_number_of_at_most_128_bits(seed: Any) -> None:
    values = find_problem("digits").model_dump(mode="json")
    values["split"]["seed"] = seed
    with pytest.raises(InvalidInput, match=r"split\.seed"):
        parse_problem(values, source="a file")
