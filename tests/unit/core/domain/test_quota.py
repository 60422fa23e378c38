from datetime import UTC, datetime, timedelta, timezone

import pytest

from core.domain.quota import (
    Allowance,
    LimitCode,
    LimitReached,
    check_allowance,
    check_registrations,
    next_reset,
    start_of_day,
)

NOW = datetime(2026, 3, 5, 22, 30, tzinfo=UTC)


def make_allowance(*, used: int = 0, running: int = 0) -> Allowance:
    return Allowance(daily_limit=3, used=used, concurrent_limit=2, running=running, resets_at=next_reset(NOW))


def test_the_day_is_utcs_wherever_the_caller_is() -> None:
    evening = datetime(2026, 3, 5, 22, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert start_of_day(evening) == datetime(2026, 3, 6, tzinfo=UTC)


def test_the_last_submission_of_the_day_is_admitted() -> None:
    check_allowance(make_allowance(used=2, running=1), NOW)


def test_a_used_up_day_says_when_it_ends() -> None:
    with pytest.raises(LimitReached) as refusal:
        check_allowance(make_allowance(used=3), NOW)
    assert (refusal.value.code, refusal.value.retry_after) == (LimitCode.DAILY_LIMIT, 90 * 60)


def test_too_many_unfinished_submissions_are_refused() -> None:
    with pytest.raises(LimitReached) as refusal:
        check_allowance(make_allowance(used=1, running=2), NOW)
    assert refusal.value.code is LimitCode.CONCURRENT_LIMIT


def test_what_is_left_is_never_negative() -> None:
    assert make_allowance(used=9).left == 0


def test_registrations_open_again_when_the_oldest_is_an_hour_old() -> None:
    with pytest.raises(LimitReached) as refusal:
        check_registrations(5, 5, oldest=NOW - timedelta(minutes=59), now=NOW)
    assert refusal.value.retry_after == 60


def test_registrations_below_the_limit_are_admitted() -> None:
    check_registrations(4, 5, oldest=NOW, now=NOW)
