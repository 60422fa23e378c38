import pytest

from core.domain.durations import show_duration


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (1.04, "1.04 s"),
        (40.0, "40 s"),
        (119.0, "119 s"),
        (120.0, "2 min"),
        (7199.0, "120 min"),
        (12_240.0, "3.4 h"),
        (172_800.0, "2 d"),
    ],
)
def test_a_duration_is_said_in_the_unit_of_a_person(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown
