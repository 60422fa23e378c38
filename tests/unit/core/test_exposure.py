"""The lists of what may be shown, and that nothing of a problem or a scorecard is on none of them."""

import itertools
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from core.domain.commitments import commit
from core.domain.exposure import (
    PROBLEM,
    SCORECARD,
    SUBMISSION,
    Audience,
    Exposure,
    Reader,
    Sight,
    Stage,
    find_audience,
    may_see,
    may_see_reason,
    select_fields,
)
from core.domain.submission import Verdict
from core.problem_files import find_problem
from core.problems import ProblemSpec
from core.scorecard import ScorecardRecord, dump_scorecard, parse_scorecard
from core.showing import show_scorecard
from tests.scorecard_bodies import make_metric, make_scorecard_body

KEY = "ab" * 32
HIDDEN = (Exposure.PUBLIC, Exposure.PRIVATE)
AUTHOR = Sight(Reader.AUTHOR, Exposure.PRIVATE)


def list_paths(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Dotted paths of all fields, those of parts and of the items of lists too."""
    for name, field in model.model_fields.items():
        parts = list(find_parts(field.annotation))
        if field.exclude:
            continue
        if not parts:
            yield f"{above}{name}"
        for part in parts:
            yield from list_paths(part, f"{above}{name}.")


def find_parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from find_parts(inner)


def is_listed(fields: dict[str, Audience], path: str) -> bool:
    return find_audience(fields, path) is not None or any(known.startswith(f"{path}.") for known in fields)


def make_record(**changes: Any) -> ScorecardRecord:
    flag = {"code": "collapsed", "severity": "notice", "value": 0.5, "threshold": 0.4, "fires": "above", "detail": "x"}
    metrics = {"metrics": [make_metric()], "flags": [flag], "flag_checks": [flag]}
    return parse_scorecard(make_scorecard_body() | metrics | changes)


def test_every_field_of_a_scorecard_is_on_its_list_and_nothing_else_is() -> None:
    paths = set(list_paths(ScorecardRecord))
    assert [path for path in paths if not is_listed(SCORECARD, path)] == []
    assert [known for known in SCORECARD if known.removesuffix(".*") not in paths] == []


def test_every_field_of_a_problem_is_on_its_list() -> None:
    assert [path for path in list_paths(ProblemSpec) if not is_listed(PROBLEM, path)] == []


@pytest.mark.parametrize("exposure", HIDDEN)
@pytest.mark.parametrize("reader", [Reader.ANYBODY, Reader.AUTHOR])
def test_of_a_hidden_problem_nobody_but_staff_sees_seeds_ids_and_the_upload(exposure: Exposure, reader: Reader) -> None:
    values = find_problem("digits").model_dump(mode="json")
    values["data"]["options"] = {"set": "faces@1", "scale": "bytes", "new": 1}
    values |= {"new": 1, "forget": values["forget"] | {"ids": [7], "new": 1}}
    shown = select_fields(values, PROBLEM, Sight(reader, exposure))
    assert [part for part in shown if isinstance(shown[part], dict) and {"seed", "ids", "new"} & set(shown[part])] == []
    assert (shown["data"]["options"], "new" in shown) == ({"scale": "bytes"}, False)
    assert (shown["network"]["options"], shown["split"]["train"]) == (values["network"]["options"], 1024)
    staff = select_fields(values, PROBLEM, Sight(Reader.STAFF, exposure))
    assert staff["forget"] == {name: value for name, value in values["forget"].items() if name != "new"}


@pytest.mark.parametrize("exposure", HIDDEN)
def test_an_author_sees_no_single_example_no_threshold_and_no_digest_of_a_hidden_problem(exposure: Exposure) -> None:
    record = make_record()
    shown = dump_scorecard(show_scorecard(record, Sight(Reader.AUTHOR, exposure), KEY))
    assert set(shown["epsilon"]) == {"edges", "points", "counts", "median"}
    assert shown["flags"] == [{"code": "collapsed", "severity": "notice"}]
    assert "flag_checks" not in shown
    assert not {"metrics", "attacks"} & set(shown)
    assert shown["provenance"]["pool_digests"]["control"] == commit(KEY, "3" * 64)
    assert shown["provenance"]["source_digest"] == "d" * 64
    assert shown["score"] == {"estimate": 0.5, "low": 0.47, "high": 0.53, "level": 0.95, "corrected": 0.48}
    assert record.epsilon.per_example == (2.0,) * 4


@pytest.mark.parametrize("sight", [Sight(Reader.ANYBODY, Exposure.PRACTICE), Sight(Reader.STAFF, Exposure.PRIVATE)])
def test_an_open_scorecard_and_what_staff_see_is_the_whole(sight: Sight) -> None:
    assert show_scorecard(make_record(), sight, KEY) == make_record()


def test_without_a_key_digests_of_what_is_hidden_are_empty() -> None:
    provenance = show_scorecard(make_record(), AUTHOR, None).provenance
    assert {provenance.spec_digest, provenance.manifest_digest, provenance.pool_digests.original} == {""}


def test_a_field_that_no_list_names_is_shown_to_nobody() -> None:
    for reader, exposure, stage in itertools.product(Reader, Exposure, Stage):
        assert not may_see(SUBMISSION.get("new"), Sight(reader, exposure, stage))
        assert select_fields({"new": 1}, PROBLEM, Sight(reader, exposure, stage)) == {}


def test_what_code_printed_is_shown_to_nobody_where_something_is_hidden() -> None:
    who = [reader for reader in Reader if may_see(SUBMISSION["log"], Sight(reader, Exposure.PRACTICE))]
    assert who == [Reader.AUTHOR, Reader.STAFF]
    assert not [reader for reader in Reader for each in HIDDEN if may_see(SUBMISSION["log"], Sight(reader, each))]


@pytest.mark.parametrize(
    ("verdict", "told"),
    [(None, True), (Verdict.REJECTED, True), (Verdict.OVER_BUDGET, False), (Verdict.SCORED, False)],
)
def test_a_reason_is_told_where_it_can_carry_nothing_out(verdict: Verdict | None, told: bool) -> None:
    assert may_see_reason(verdict, AUTHOR) is told
    assert may_see_reason(verdict, Sight(Reader.STAFF, Exposure.PRIVATE))


def test_keys_are_for_everybody_and_only_once_it_is_over() -> None:
    for reader, exposure in itertools.product(Reader, Exposure):
        assert not may_see(Audience.AFTERWARDS, Sight(reader, exposure))
        assert may_see(Audience.AFTERWARDS, Sight(reader, exposure, Stage.OVER))
