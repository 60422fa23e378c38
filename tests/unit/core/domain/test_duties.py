from datetime import UTC, datetime, timedelta

import pytest

from core.domain.duties import JANITOR, Duty, Turns, find_idleness

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def turn(*, tried: float, turned: float | None, fault: str = "", every: float = 5.0, duty: Duty = Duty.SWEEP) -> Turns:
    """Seconds ago."""
    went_well = None if turned is None else NOW - timedelta(seconds=turned)
    return Turns(duty, NOW - timedelta(seconds=tried), went_well, every, "host-1", fault)


@pytest.mark.parametrize(
    "turns",
    [
        turn(tried=4, turned=4),
        turn(tried=64, turned=64),
        turn(tried=4, turned=64, fault="it failed now and then"),
        turn(tried=600, turned=600, every=900.0),
        turn(tried=200, turned=200, duty=Duty.DELIVERY),
    ],
)
def test_what_is_done_in_time_is_not_mentioned(turns: Turns) -> None:
    assert find_idleness(turns, NOW) is None


@pytest.mark.parametrize(
    ("turns", "public", "staff"),
    [
        (Turns(Duty.SWEEP), "no janitor has swept yet", "no janitor has swept yet"),
        (
            turn(tried=66, turned=66),
            "no janitor has swept for 66 s",
            "no janitor has swept for 66 s (the last one on host-1)",
        ),
        (
            turn(tried=400, turned=900, fault="old"),
            "no janitor has swept for 7 min",
            "no janitor has swept for 7 min (the last one on host-1)",
        ),
        (
            turn(tried=4, turned=180, fault="OSError: no room on /secret"),
            "the janitor's sweeps fail for 3 min",
            "the janitor's sweeps fail for 3 min (on host-1): OSError: no room on /secret",
        ),
        (
            turn(tried=4, turned=None, fault="OSError: no room"),
            "the janitor's sweeps fail",
            "the janitor's sweeps fail (on host-1): OSError: no room",
        ),
        (
            turn(tried=400, turned=400, duty=Duty.DELIVERY),
            "no janitor has sent webhooks and mail for 7 min",
            "no janitor has sent webhooks and mail for 7 min (the last one on host-1)",
        ),
    ],
)
def test_what_is_not_done_says_since_when_and_machines_are_named_to_staff_alone(
    turns: Turns, public: str, staff: str
) -> None:
    idleness = find_idleness(turns, NOW)
    assert idleness is not None
    assert (idleness.public, idleness.staff, idleness.command) == (public, staff, JANITOR)
