from datetime import UTC, datetime, timedelta, timezone

import pytest

from core.domain.errors import InvalidInput
from core.domain.moments import parse_moment, to_utc, write_local

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-01-31T12:00", "2026-01-31 12:00:00Z", "2026-01-31T14:00+02:00"])
def test_a_time_without_a_zone_is_utc_and_one_with_a_zone_becomes_it(text: str) -> None:
    assert parse_moment(text) == NOON
    assert parse_moment(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59-12:00", "٢٠٢٦-01-31"]
)
def test_what_is_no_time_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is not a time such as 2026-01-31T12:00$") as refused:
        parse_moment(text)
    assert "\n" not in refused.value.message


def test_a_time_that_its_zone_moves_out_of_the_years_is_no_value() -> None:
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        to_utc(datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12))))


@pytest.mark.parametrize(
    "moment", [NOON, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
)
def test_what_a_form_holds_reads_as_what_it_was(moment: datetime) -> None:
    assert parse_moment(write_local(moment)) == moment
    assert write_local(None) == ""
