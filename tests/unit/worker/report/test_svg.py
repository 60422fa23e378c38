import xml.etree.ElementTree as ET

import pytest

from worker.report.svg import LOOKS, Scale, box, element, line, picture, show_tick, text


def test_a_scale_goes_from_values_to_places_and_stops_at_its_ends() -> None:
    scale = Scale(10.0, 20.0, 0.0, 100.0)
    assert [scale(value) for value in (10, 15, 20, 5, 99)] == [0, 50, 100, 0, 100]


def test_a_scale_may_run_upwards() -> None:
    assert Scale(0.0, 2.0, 200.0, 100.0)(0.5) == 175


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-7.2, 3.1, [-6, -4, -2, 0, 2]),
        (0.0, 0.013, [0, 0.002, 0.004, 0.006, 0.008, 0.01, 0.012]),
        (103.1, 103.9, [103.2, 103.4, 103.6, 103.8]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, ticks: list[float]) -> None:
    assert list(Scale(low, high, 0.0, 1.0).list_ticks()) == pytest.approx(ticks)


def test_text_and_attributes_cannot_carry_markup() -> None:
    drawn = text("<b>&", 1, 2) + element("g", look="label", id='"><script>')
    assert "<b>" not in drawn
    assert "<script>" not in drawn
    assert "&lt;b&gt;&amp;" in drawn


def test_a_picture_is_xml_with_its_title_read_aloud() -> None:
    drawn = picture(100.0, 50.5, box(0, 0, 10, 5.25, "earned"), line(0, 1, 2, 3, "axis"), title='a "title" <x>')
    root = ET.fromstring(drawn)
    assert root.attrib["viewBox"] == "0 0 100 50.5"
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", 'a "title" <x>')
    assert [child.tag.split("}")[1] for child in root] == ["title", "rect", "line"]


def test_a_picture_without_title_is_passed_over_by_screen_readers() -> None:
    root = ET.fromstring(picture(10, 10))
    assert root.attrib["aria-hidden"] == "true"
    assert "role" not in root.attrib


def test_no_width_is_negative() -> None:
    assert 'width="0"' in box(5, 5, -3, 2, "lost")


def test_numbers_are_short_and_minus_is_a_minus() -> None:
    assert 'x="1.33"' in box(4 / 3, 0, 1, 1, "lost")
    assert show_tick(-0.5) == "−0.5"


@pytest.mark.parametrize(
    "look", [name for name, values in LOOKS.items() if str(values.get("fill", "")).startswith("#")]
)
def test_colours_keep_a_contrast_of_three_on_both_backgrounds(look: str) -> None:
    def luminance(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    color, paper, night = (luminance(name) for name in (str(LOOKS[look]["fill"]), "#ffffff", "#14171d"))
    assert (paper + 0.05) / (color + 0.05) > 3
    assert (color + 0.05) / (night + 0.05) > 3
