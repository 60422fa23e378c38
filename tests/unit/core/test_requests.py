"""Several forget requests and several originals in a problem file: what is read, kept, counted and refused."""

import json
from typing import Any

import pytest

from core.domain.errors import InvalidInput
from core.domain.exposure import PROBLEM, Exposure, Reader, Sight, select_fields
from core.domain.seeds import complete_seeds, find_first_missing
from core.problem_files import find_problem, parse_problem
from core.problem_parts import Scored
from core.problems import ProblemSpec, count_pairs, require_one_request
from core.terms import find_version, parse_terms, write_terms
from tests.hidden_problems import make_hidden_values

DIGITS = find_problem("digits")
RANDOM = {"kind": "random", "fraction": 0.125}
TWO = [{**RANDOM, "seed": 2}, {**RANDOM, "seed": 3}]


def parse(**changes: Any) -> ProblemSpec:
    values = DIGITS.model_dump(mode="json")
    if "requests" in changes:
        del values["forget"]
    for name, value in changes.items():
        values[name] = {**values[name], **value} if isinstance(value, dict) else value
    return parse_problem(values, source="a file")


def test_one_request_of_a_list_is_the_forget_part() -> None:
    spec = parse(requests=TWO[:1])
    assert spec == DIGITS
    assert spec.digest == DIGITS.digest
    assert "further" not in spec.model_dump()
    assert (spec.pairs, len(spec.requests)) == (1, 1)


def test_several_requests_are_kept_in_their_order_and_read_back() -> None:
    spec = parse(requests=TWO, pools={"originals": 3})
    assert [part.seed for part in spec.requests] == [2, 3]
    assert (spec.pairs, spec.pools.scored) == (6, Scored.APART)
    assert ProblemSpec.model_validate(json.loads(json.dumps(spec.model_dump(mode="json")))) == spec
    terms = parse_terms(write_terms(spec))
    assert (terms.problem, terms.originals_per_run) == (spec, 3)
    assert spec.seeds == {"split.seed": 2, "pools.seed": 3, "requests.0.seed": 2, "requests.1.seed": 3}


def test_replicas_are_spread_evenly_over_the_pairs() -> None:
    counts = count_pairs(parse(requests=TWO, pools={"originals": 4}), 256)
    assert len(counts) == 8
    assert set(counts.values()) == {32}
    assert sum(count_pairs(parse(requests=TWO, pools={"originals": 3}), 256).values()) == 256


def test_stored_originals_from_before_were_scored_together() -> None:
    spec = parse(pools={"originals": 4, "scored": "together"})
    assert spec.pairs == 1
    stored = write_terms(spec)
    del stored["problem"]["pools"]["scored"]
    assert [find_version(each["problem"]) for each in (stored, write_terms(spec))] == [4, 5]
    assert parse_terms(stored).problem == spec


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"requests": []}, "`requests` must be a list"),
        ({"requests": [TWO[0], TWO[0]]}, "requests 1 and 2 ask for the same examples"),
        (
            {"requests": [{"kind": "ids", "ids": [1, 2]}, TWO[0], {"kind": "ids", "ids": [2, 3]}]},
            "requests 1 and 3 ask for the same examples",
        ),
        ({"requests": [TWO[0], {"kind": "random"}]}, "requests.1"),
        ({"requests": TWO, "pools": {"originals": 9}}, "9 × 2 pairs of an original and a request of 256 replicas"),
        ({"pools": {"scored": "apart"}}, "`scored` is for several originals"),
        ({"requests": TWO, "evaluation": {"calibration_replicas": 3}}, "must be 4 or more: two for each request"),
        (
            {"requests": TWO, "pools": {"originals": 4}, "evaluation": {"adaptive": {"min_replicas": 100}}},
            "`evaluation.adaptive.min_replicas` must be 128",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        parse(**changes)
    assert "\n" not in refused.value.message


def test_a_file_asks_in_one_way() -> None:
    values = DIGITS.model_dump(mode="json") | {"requests": TWO}
    with pytest.raises(InvalidInput, match="a file has one of the two"):
        parse_problem(values, source="a file")


def test_what_is_of_one_request_refuses_several() -> None:
    require_one_request(DIGITS, "a pool card")
    with pytest.raises(InvalidInput, match="a pool card is of one forget request, and digits has 2"):
        require_one_request(parse(requests=TWO), "a pool card")


def make_hidden() -> dict[str, Any]:
    values = make_hidden_values(DIGITS.model_dump(mode="json")) | {"exposure": "public"}
    del values["forget"]
    return values | {"requests": [{**RANDOM, "seed": 2**64 + 5}, {**RANDOM, "seed": 2**64 + 6}]}


def test_seeds_and_ids_of_hidden_requests_are_shown_to_nobody() -> None:
    spec = parse_problem(make_hidden(), source="a file")
    for reader, sees in ((Reader.AUTHOR, False), (Reader.STAFF, True)):
        shown = select_fields(spec.model_dump(mode="json"), PROBLEM, Sight(reader, Exposure.PUBLIC))
        assert [set(part) >= {"kind", "fraction"} for part in shown["further"]] == [True]
        assert ["seed" in part for part in shown["further"]] == [sees]
        assert str(2**64 + 6) not in json.dumps(shown) or sees


def test_seeds_that_hidden_requests_leave_out_are_drawn_and_kept() -> None:
    values = make_hidden()
    del values["requests"][1]["seed"]
    assert "`requests.1.seed` is left out" in (find_first_missing(values) or "")
    filled, drawn = complete_seeds(values, {}, lambda: 2**64 + 99)
    assert list(drawn) == ["requests.1.seed"]
    assert "seed" not in values["requests"][1]
    spec = parse_problem(filled, source="a file")
    assert [part.seed - 2**64 for part in spec.requests] == [5, 99]
    again, drawn = complete_seeds(values, spec.model_dump(), lambda: 2**64 + 100)
    assert (again, drawn) == (filled, {})


def test_the_phases_ask_for_other_requests() -> None:
    values = make_hidden()
    private = {"requests": [{**RANDOM, "seed": 2**64 + 7}, {**RANDOM, "seed": 2**64 + 8}], "pool_seed": 2**64 + 9}
    spec = parse_problem({**values, "private": private}, source="a file")
    found = spec.make_private()
    assert found is not None
    assert [part.seed - 2**64 for part in found.requests] == [7, 8]
    assert {"private.requests.0.seed", "requests.1.seed"} <= set(spec.hidden_seeds)
    with pytest.raises(InvalidInput, match="`private` has the public problem's forget request"):
        parse_problem({**values, "private": {**private, "requests": values["requests"][1:]}}, source="a file")
