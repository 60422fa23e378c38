import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import PlatformFault
from core.domain.exposure import Exposure
from core.problem_files import find_problem
from core.problem_parts import EvaluationPart, Gate, Scored
from core.terms import METRIC_VERSION, Terms, find_version, hash_terms, parse_stored_problem, parse_terms, write_terms

FIXTURES = Path(__file__).resolve().parent.parent.parent / "fixtures" / "terms"
STORED_DIGEST = "ec5ae3fc701e4c9bc2685317685a30d4edc002a50bce55269acff84779f60ecd"
THIRD_DIGEST = "81be6de914a394638a6f8e23ce2aa66fcd1257a44a1b43089a0c0fb8e95848d6"
FOURTH_DIGEST = "71b2770669d2085ff8f2f4dd072d1345964679d1c6b956e9915e7436358ae3a2"
FIFTH_DIGEST = "3cffc1151dc04e9d8ad6474a5faec3481d4cd375afea0759eda2027ebdc9621a"
DIGITS_DIGEST = "93b387b8ae5a9867ccab70625ce6c9aa5acc2dda24ac2b86061046b6fde916bd"
DIGITS_TERMS = "ce0455c04ef2ef7529b924bdf75053152d60131dc5118d7b630cf84f10ac8396"
NEW_IN_2 = ("attacks", "rerun_replicas", "adaptive")


def load() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((FIXTURES / "version_2.json").read_text())
    return stored


def load_third() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((FIXTURES / "version_3.json").read_text())
    return stored


def load_fourth() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((FIXTURES / "version_4.json").read_text())
    return stored


def load_fifth() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((FIXTURES / "version_5.json").read_text())
    return stored


def load_first() -> dict[str, Any]:
    """As they were stored before anything could end early."""
    stored = load()
    rules = {name: value for name, value in stored["evaluation"].items() if name not in NEW_IN_2}
    return {**stored, "evaluation": rules, "problem": {**stored["problem"], "evaluation": rules}}


def test_stored_terms_are_read_and_hash_to_what_they_did() -> None:
    stored = load()
    terms = parse_terms(stored)
    assert hash_terms(stored) == STORED_DIGEST
    assert stored == load()
    assert (terms.problem.slug, terms.problem.exposure, terms.is_open) == ("early", Exposure.PUBLIC, False)
    assert (terms.protocol, terms.metric_version, terms.originals_per_run) == ("held_out", "lacuna-2", 1)
    assert (terms.evaluation.gate, terms.evaluation.replicas) == (Gate.LARGER, 256)
    assert terms.evaluation.adaptive is not None
    assert terms.evaluation.adaptive.rival_place == 3


def test_terms_from_before_early_ends_open_with_what_held_then() -> None:
    stored = load_first()
    terms = parse_terms(stored)
    assert [find_version(each["problem"]) for each in (stored, load())] == [1, 2]
    assert terms.evaluation.adaptive is None
    assert terms.evaluation.rerun_replicas == 1
    assert terms.evaluation.attacks == ["half_line", "interval", "complement", "likelihood_ratio"]
    assert stored == load_first()


def test_terms_from_before_native_code_was_refused_go_on_allowing_it() -> None:
    stored = load_third()
    terms = parse_terms(stored)
    assert (find_version(stored["problem"]), find_version(write_terms(find_problem("digits"))["problem"])) == (3, 5)
    assert hash_terms(stored) == THIRD_DIGEST
    assert terms.evaluation.allow_native
    assert parse_terms(load()).evaluation.allow_native
    assert not find_problem("digits").evaluation.allow_native


@pytest.mark.parametrize("make", [load, load_first, load_third, load_fourth, load_fifth])
def test_no_rule_of_stored_terms_is_left_to_a_default_that_may_change(make: Callable[[], dict[str, Any]]) -> None:
    problem = parse_stored_problem(make()["problem"])
    assert problem.evaluation.model_fields_set == set(EvaluationPart.model_fields)


def test_terms_from_before_originals_were_scored_apart_go_on_scoring_them_together() -> None:
    stored = load_fourth()
    problem = parse_terms(stored).problem
    assert (find_version(stored["problem"]), hash_terms(stored)) == (4, FOURTH_DIGEST)
    assert (problem.pools.scored, problem.pools.originals, problem.pairs) == (Scored.TOGETHER, 4, 1)


def test_terms_of_several_requests_are_read_and_hash_to_what_they_did() -> None:
    stored = load_fifth()
    problem = parse_terms(stored).problem
    assert (find_version(stored["problem"]), hash_terms(stored)) == (5, FIFTH_DIGEST)
    assert (problem.pools.scored, problem.pairs, len(problem.requests)) == (Scored.APART, 8, 2)
    assert write_terms(problem)["problem"] == stored["problem"]


def test_terms_of_one_original_and_one_request_are_what_they_were() -> None:
    """Pools, scores and boards of every older problem go by these digests."""
    problem = find_problem("digits")
    assert problem.digest == DIGITS_DIGEST
    assert hash_terms(write_terms(problem)) == DIGITS_TERMS


def test_what_is_written_is_read_as_it_was_meant() -> None:
    problem = find_problem("digits")
    terms = parse_terms(json.loads(json.dumps(write_terms(problem))))
    assert isinstance(terms, Terms)
    assert (terms.problem, terms.evaluation, terms.problem_digest) == (problem, problem.evaluation, problem.digest)
    assert terms.is_open
    assert terms.metric_version == METRIC_VERSION


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol": "unheard_of"}, "protocol"),
        ({"a_new_key": 1}, "a_new_key"),
        ({"problem": {"evaluation": {}}, "evaluation": {}}, "slug"),
        ({"evaluation": {"replicas": 512}}, "contradict"),
        ({"problem": None}, "TypeError"),
        ({"problem": [1]}, "TypeError"),
        ({"originals_per_run": float("nan")}, "originals_per_run"),
    ],
)
def test_terms_that_no_release_wrote_are_our_fault_in_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PlatformFault, match=said) as caught:
        parse_terms({**load(), **changes})
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("missing", ["problem", "evaluation", "metric_version"])
def test_incomplete_terms_are_our_fault(missing: str) -> None:
    with pytest.raises(PlatformFault, match=missing):
        parse_terms({name: value for name, value in load().items() if name != missing})
