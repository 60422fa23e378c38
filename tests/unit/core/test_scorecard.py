import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.domain.scorecard_forms import FORM
from core.scorecard import (
    ScorecardRecord,
    ScorecardSummary,
    UnreadableScorecard,
    dump_scorecard,
    dump_summary,
    parse_scorecard,
    parse_summary,
    read_scorecard,
    summarize,
)

STORED = sorted(Path("tests/fixtures/scorecards").glob("*.json"))


def load(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Path(f"tests/fixtures/scorecards/{name}.json").read_text())
    return body


def list_fields(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, str]]:
    """Path and description of every field of a record and of the records inside it."""
    for name, field in model.model_fields.items():
        yield f"{above}{name}", str(field.description)
        inner = next(iter(list_parts(field)), None)
        if inner is not None:
            yield from list_fields(inner, f"{above}{name}{'[]' if 'tuple[' in str(field.annotation) else ''}.")


def list_parts(field: FieldInfo) -> list[type[BaseModel]]:
    named = re.findall(r"(core\.scorecard(?:_parts)?)\.(\w+)", str(field.annotation))
    return [getattr(import_module(module), name) for module, name in named]


def find_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A record and every record inside it."""
    yield model
    for field in model.model_fields.values():
        for part in list_parts(field):
            yield from find_models(part)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_every_form_that_was_ever_stored_opens_with_the_same_numbers(path: Path) -> None:
    stored = json.loads(path.read_text())
    told = dump_scorecard(parse_scorecard(stored))
    assert told.pop("version") == FORM
    assert stored.pop("version", 1) <= FORM
    stored["score"].pop("draws", None)
    if "calibration" in stored["provenance"]:
        stored["provenance"]["calibrations"] = [stored["provenance"].pop("calibration")]
    assert told == stored


def test_forms_that_lack_a_part_say_that_it_is_not_there() -> None:
    record = parse_scorecard(load("form-1-first"))
    assert (record.flags, record.flag_checks, record.attacks, record.metrics, record.decision) == (None,) * 5
    assert (record.report_digest, record.score.corrected, record.ceiling.corrected, record.epsilon.mu) == (None,) * 4
    assert record.relative_runtime.gate is None


def test_what_is_written_now_is_read_back_as_it_was() -> None:
    record = parse_scorecard(load("form-1-newest"))
    assert parse_scorecard(json.loads(json.dumps(dump_scorecard(record)))) == record


def test_no_calibration_of_the_first_form_is_none_of_this() -> None:
    stored = load("form-1-first")
    stored["provenance"]["calibration"] = ""
    assert parse_scorecard(stored).provenance.calibrations == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": FORM + 1}, f"form {FORM + 1}"),
        ({"surprise": 1}, "surprise: Extra"),
        ({"forgetting_quality": None}, "forgetting_quality"),
        ({"provenance": {}}, "provenance.evaluation_id"),
        ({"forgetting_quality": float("nan")}, "forgetting_quality: Input should be a finite number"),
        ({"report_digest": "zz"}, "report_digest"),
    ],
)
def test_what_no_form_has_is_refused_with_its_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadableScorecard, match=said):
        parse_scorecard(load("form-1-newest") | change)


@pytest.mark.parametrize(
    "change", [{"edges": []}, {"counts": [1]}, {"points": [2.0]}, {"edges": [1e308] * 6}, {"counts": [10**400] * 6}]
)
def test_buckets_that_nothing_can_be_drawn_from_are_refused(change: dict[str, Any]) -> None:
    body = load("form-1-newest")
    with pytest.raises(UnreadableScorecard, match=r"epsilon"):
        parse_scorecard(body | {"epsilon": body["epsilon"] | change})


def test_a_newer_servers_scorecard_is_read_without_what_is_not_known_here() -> None:
    body = dump_scorecard(parse_scorecard(load("form-1-newest")))
    newer = {**body, "version": FORM + 1, "surprise": 1, "epsilon": body["epsilon"] | {"mean": 2.0}}
    assert dump_scorecard(read_scorecard(newer)) == {**body, "version": FORM + 1}


@pytest.mark.parametrize(
    "answer",
    [
        {"detail": "no such submission"},
        {"version": "two"},
        {"version": 0},
        {"version": None},
        {"version": True},
        {"version": 10**400},
        {"version": "x" * 5000},
        {"score": "high", "provenance": None},
        {"provenance": {"calibration": {}}},
    ],
)
def test_what_is_no_scorecard_is_refused_in_one_line(answer: dict[str, Any]) -> None:
    for read in (read_scorecard, parse_scorecard):
        with pytest.raises(UnreadableScorecard) as caught:
            read(answer)
        assert "\n" not in caught.value.message


def test_a_record_cannot_be_changed() -> None:
    record = parse_scorecard(load("form-1-newest"))
    with pytest.raises(ValueError, match="frozen"):
        record.forgetting_quality = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("model", [ScorecardRecord, ScorecardSummary])
def test_every_field_is_described_and_none_holds_just_anything(model: type[BaseModel]) -> None:
    for part in find_models(model):
        for name, field in part.model_fields.items():
            assert field.description, f"{part.__name__}.{name}"
            assert "Any" not in str(field.annotation), f"{part.__name__}.{name}"


@pytest.mark.parametrize(("path", "description"), [*list_fields(ScorecardRecord)])
def test_every_field_stands_in_the_docs_with_its_description(path: str, description: str) -> None:
    assert f"| `{path}` | {description} |" in Path("docs/scorecard.md").read_text()


def test_a_summary_has_what_lists_show_and_is_read_back() -> None:
    record = parse_scorecard(load("form-1-newest"))
    summary = summarize(record)
    assert (summary.score_corrected, summary.utility) == (record.score.corrected, record.utility.value)
    assert (summary.over_budget, summary.flags, summary.ceiling) == (False, ("variance_off",), record.ceiling)
    assert parse_summary(json.loads(json.dumps(dump_summary(summary)))) == summary


def test_a_summary_from_before_has_gaps() -> None:
    assert parse_summary({}) == ScorecardSummary()


def test_a_summary_carries_nothing_of_single_examples() -> None:
    assert "per_example" not in str(dump_summary(summarize(parse_scorecard(load("form-1-newest")))))
