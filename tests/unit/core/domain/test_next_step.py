from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.competition import CompetitionState
from core.domain.next_step import Standing, Step, find_next, list_done
from core.domain.phases import PhaseState

WHEN = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "values", "step", "missing"),
    [
        ("draft", {}, Step.PREPARE, []),
        ("preparing", {"fault": "no such data"}, Step.PREPARE, ["no such data"]),
        ("preparing", {"is_prepared": True, "opens_by_hand": True}, Step.ACTIVATE, ["it has no rules"]),
        ("preparing", {"is_prepared": True, "opens_by_hand": True, "has_rules": True}, Step.ACTIVATE, []),
        ("preparing", {"is_prepared": True}, Step.OPEN, []),
        ("open", {"has_rules": True, "closes_at": WHEN}, Step.FREEZE, []),
        ("open", {"has_rules": True}, Step.FREEZE, ["it has no deadline, so somebody has to close it"]),
        (
            "open",
            {"has_rules": True, "closes_at": WHEN, "held": 1},
            Step.FREEZE,
            ["1 entry is held without a rank until its flags are decided on"],
        ),
        (
            "closed",
            {"private": PhaseState.SCORING, "held": 2},
            Step.PUBLISH,
            ["2 entries are held without a rank until their flags are decided on"],
        ),
        ("frozen", {"running": 2}, Step.CLOSE, ["2 submissions have not ended"]),
        ("closed", {"private": PhaseState.READY}, Step.SCORE, []),
        ("closed", {"private": PhaseState.READY, "running": 1}, Step.SCORE, ["1 submissions have not ended"]),
        ("closed", {"private": PhaseState.SCORING}, Step.PUBLISH, []),
        ("closed", {"private": PhaseState.PUBLISHED}, None, []),
        ("closed", {}, None, []),
        ("archived", {}, None, []),
    ],
)
def test_every_standing_has_one_next_step_and_what_is_missing(
    state: str, values: dict[str, Any], step: Step | None, missing: list[str]
) -> None:
    found = find_next(Standing(CompetitionState(state), **values))
    assert (found.step, list(found.missing)) == (step, missing)
    assert found.words.endswith(".")


def test_what_is_done_is_what_comes_before() -> None:
    assert list_done(find_next(Standing(CompetitionState.DRAFT))) == []
    assert list_done(find_next(Standing(CompetitionState.FROZEN)))[-1] is Step.FREEZE
    assert list_done(find_next(Standing(CompetitionState.ARCHIVED))) == list(Step)
