"""Every field that a participant reads of a hidden run has a stated number of bits, and its value is as coarse."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain.answers import MESSAGES, list_record
from core.domain.coarse import begin_minute, round_counts, round_down_count, round_figure, round_up_share
from core.domain.exposure import (
    SCORECARD,
    SUBMISSION,
    TOLD_APART,
    Exposure,
    Reader,
    Sight,
    Stage,
    climbs,
    may_see,
    tell_outcome,
)
from core.domain.faults import FaultCode
from core.domain.leaks import BITS, CLIMB_BITS, RECORDS, RUN_BITS, Grain
from core.domain.leaks import SCORECARD as SCORECARD_GRAINS
from core.domain.leaks import SUBMISSION as SUBMISSION_GRAINS
from core.domain.notifications import Event
from core.domain.submission import VERDICT_OF_FAULT, Verdict

AUTHOR = Sight(Reader.AUTHOR, Exposure.PUBLIC)


def test_every_field_of_a_submission_that_its_author_sees_has_its_bits() -> None:
    seen = {field for field, audience in SUBMISSION.items() if may_see(audience, AUTHOR)}
    assert sorted(seen - set(SUBMISSION_GRAINS)) == []


def test_every_field_of_a_scorecard_that_its_author_sees_has_its_bits() -> None:
    seen = {field.removesuffix(".*") for field, audience in SCORECARD.items() if may_see(audience, AUTHOR)}
    assert sorted(seen - set(SCORECARD_GRAINS)) == []
    assert sorted(set(SCORECARD_GRAINS) - {field.removesuffix(".*") for field in SCORECARD}) == []


@pytest.mark.parametrize("name", [name for name in RECORDS if name[0].isupper()])
def test_every_field_of_a_record_about_a_run_has_its_bits(name: str) -> None:
    assert set(RECORDS[name]) == set(list_record(name))


@pytest.mark.parametrize("event", [Event.EVALUATION_FINISHED, Event.EVALUATION_REJUDGED, Event.PLACE_LOST])
def test_every_field_of_a_message_about_a_run_has_its_bits(event: Event) -> None:
    assert set(RECORDS[event]) == set(MESSAGES[event].split())


def test_how_code_fails_on_hidden_data_is_one_and_the_same() -> None:
    told = {
        tell_outcome(verdict, code, has_run=True, sight=AUTHOR)
        for code, verdict in VERDICT_OF_FAULT.items()
        if verdict not in TOLD_APART
    }
    assert [(each.verdict, each.code) for each in told] == [(Verdict.RUNTIME_ERROR, FaultCode.FAILED_ON_HIDDEN_DATA)]
    every = {tell_outcome(verdict, None, has_run=True, sight=AUTHOR).verdict for verdict in Verdict}
    assert len(every) <= 8
    assert len(every - {Verdict.WITHDRAWN, Verdict.OVER_BUDGET}) == round(2 ** BITS[Grain.OUTCOME])


@pytest.mark.parametrize(
    ("sight", "has_run"),
    [
        (Sight(Reader.STAFF, Exposure.PRIVATE), True),
        (Sight(Reader.AUTHOR, Exposure.PRACTICE), True),
        (Sight(Reader.AUTHOR, Exposure.PUBLIC, Stage.OVER), True),
        (AUTHOR, False),  # refused when it was read: no code ran
    ],
)
def test_staff_open_problems_and_the_end_tell_how_it_failed(sight: Sight, has_run: bool) -> None:
    told = tell_outcome(Verdict.MEMORY_LIMIT, FaultCode.MEMORY_LIMIT, has_run=has_run, sight=sight)
    assert (told.verdict, told.code) == (Verdict.MEMORY_LIMIT, FaultCode.MEMORY_LIMIT)


def test_scores_climb_where_something_is_hidden_and_the_phase_is_no_private_one() -> None:
    assert [climbs(each, is_private_phase=False) for each in Exposure] == [False, True, True]
    assert not any(climbs(each, is_private_phase=True) for each in Exposure)


def test_progress_has_five_values() -> None:
    told = {round_down_count(finished, 256) for finished in range(257)}
    assert sorted(told) == [0, 51, 102, 153, 204]
    assert math.log2(len(told)) == BITS[Grain.COUNT]


def test_runtime_has_five_values_and_the_last_is_over_the_budget() -> None:
    told = {round_up_share(share / 10_000, 0.1) for share in range(1, 5_000)}
    assert sorted(told) == [0.025, 0.05, 0.075, 0.1, 0.125]
    assert [round_up_share(each, 0.1) for each in (0.0, 0.025, 0.0251, 0.1, 0.1001, 9.0)] == [
        *(0.025, 0.025, 0.05, 0.1, 0.125, 0.125)
    ]
    assert math.log2(len(told)) == BITS[Grain.SHARE]


def test_figures_have_two_digits() -> None:
    shown = [round_figure(each) for each in (0.43719, 0.0049, 1.0, -0.126, 94.66, 2.345, 1234.5)]
    assert shown == [0.44, 0.0, 1.0, -0.13, 95.0, 2.3, 1200.0]
    assert len({round_figure(each / 10_000) for each in range(10_001)}) == round(2 ** BITS[Grain.SCORE])
    assert len({round_figure(each / 1_000) for each in range(100_001)}) <= 2 ** BITS[Grain.FIGURE]


def test_counts_are_told_in_twentieths() -> None:
    assert round_counts([1, 3, 96, 0]) == (0, 5, 95, 0)
    assert round_counts([]) == ()
    assert len({round_counts([count, 1000 - count])[0] for count in range(1001)}) == round(2 ** BITS[Grain.TWENTIETHS])


def test_times_are_told_to_the_minute() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    assert begin_minute(moment) == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert begin_minute(None) is None


def test_the_sums_are_those_of_the_table() -> None:
    text = (Path(__file__).parents[4] / "docs" / "threat-model.md").read_text(encoding="utf-8")
    assert f"**{RUN_BITS:.1f}**" in text
    assert f"**{CLIMB_BITS:.1f}**" in text
