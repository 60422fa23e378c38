from datetime import UTC, datetime, timedelta

import pytest

from api.pages.charts.axes import make_runtime_axis, make_score_axis, make_time_axis

START = datetime(2026, 3, 1, 7, 13, tzinfo=UTC)


def test_scores_grow_upwards_to_a_round_number() -> None:
    axis = make_score_axis(0.176, bottom=200, top=0)
    assert [tick.label for tick in axis.ticks] == ["0.00", "0.05", "0.10", "0.15", "0.20"]
    assert (axis.place(0.0), axis.place(0.2)) == (200, 0)


def test_a_board_without_any_score_still_has_an_axis() -> None:
    assert len(make_score_axis(0.0, bottom=200, top=0).ticks) == 2


def test_runtimes_stand_on_whole_decades() -> None:
    axis = make_runtime_axis([0.004, 0.1, 1.0], left=0, right=300)
    assert [(tick.at, tick.label) for tick in axis.ticks] == [(0, "0.1 %"), (100, "1 %"), (200, "10 %"), (300, "100 %")]
    assert axis.place(0.1) == 200


@pytest.mark.parametrize("values", [[0.0], [], [1e-9, 1e9], [0.1]])
def test_odd_runtimes_stay_inside_the_picture(values: list[float]) -> None:
    axis = make_runtime_axis(values, left=10, right=300)
    assert len(axis.ticks) >= 2
    assert all(10 <= axis.place(value) <= 300 for value in [*values, -1.0, 0.0])


@pytest.mark.parametrize("span", [timedelta(0), timedelta(hours=2), timedelta(days=9), timedelta(days=900)])
def test_a_time_axis_has_a_few_round_times(span: timedelta) -> None:
    axis = make_time_axis(START, START + span, left=0, right=300)
    assert 1 <= len(axis.ticks) <= 6
    assert all(0 <= tick.at <= 300 for tick in axis.ticks)
    assert axis.place(START.timestamp()) == 0
