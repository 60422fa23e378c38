import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from api.pages.charts.drawing import trust_svg
from evaluator import Attack
from evaluator.explain import Region, Side
from tests.unit.worker.reports import make_detail, make_example, make_record
from worker.report.plots import plot_difficulty, plot_runtime, plot_score, plot_share, plot_steps
from worker.report.pool_plots import choose_edges, choose_tops, count_shares, plot_pool_grid, plot_pools

PICTURES: dict[str, Callable[[], str]] = {
    "score": lambda: plot_score(make_record()),
    "steps": lambda: plot_steps(make_record()),
    "runtime": lambda: plot_runtime(make_record().relative_runtime),
    "share": lambda: plot_share(0.9, end=1.25, mark=1.0),
    "difficulty": lambda: plot_difficulty(make_detail()),
    "pools": lambda: plot_pools(make_example(label="<b>&seven")),
    "grid": lambda: plot_pool_grid([make_example(label="<b>&seven")] * 4),
}


def find_rectangles(svg: str, look: str) -> list[dict[str, float]]:
    found = [element for element in ET.fromstring(svg).iter() if element.get("class") == look]
    return [{name: float(element.attrib[name]) for name in ("x", "y", "width", "height")} for element in found]


def read_texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_brings_no_script_style_or_address_and_the_page_trusts_it(name: str) -> None:
    svg = PICTURES[name]()
    ET.fromstring(svg)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|href|url\(", svg)
    assert set(re.findall(r"https?://[^\"' ]+", svg)) == {"http://www.w3.org/2000/svg"}
    assert trust_svg(str(svg)) is not None


@pytest.mark.parametrize("name", PICTURES)
def test_text_takes_the_colour_of_the_page(name: str) -> None:
    fills = re.findall(r"<text[^>]*fill=\"([^\"]+)\"", PICTURES[name]())
    assert set(fills) <= {"currentColor"}


@pytest.mark.parametrize("name", [name for name in PICTURES if name != "share"])
def test_a_picture_says_what_it_shows_to_those_who_cannot_see_it(name: str) -> None:
    root = ET.fromstring(PICTURES[name]())
    assert (root.get("role"), root[0].tag.split("}")[1]) == ("img", "title")
    assert root.get("aria-label") == root[0].text


def test_the_score_bar_ends_at_the_score() -> None:
    record = make_record()
    (bar,) = find_rectangles(plot_score(record), "earned")
    (track,) = find_rectangles(plot_score(record), "track")
    assert bar["width"] / track["width"] == pytest.approx(record.score.estimate, abs=1e-4)


def test_each_step_starts_where_the_one_before_it_ended() -> None:
    lost = find_rectangles(plot_steps(make_record()), "lost")
    buckets = [step for step in lost if step["width"] > 0][:-2]
    gaps = [first["x"] - (second["x"] + second["width"]) for first, second in pairwise(buckets)]
    assert gaps == pytest.approx([0.0], abs=0.02)
    full, quality, score = (bar for bar in find_rectangles(plot_steps(make_record()), "earned") if bar["width"] > 0)
    assert quality["width"] / full["width"] == pytest.approx(make_record().forgetting_quality, abs=1e-3)
    assert score["width"] / full["width"] == pytest.approx(make_record().score.estimate, abs=1e-3)


def test_a_submission_that_gains_accuracy_steps_up() -> None:
    record = make_record(utility={"value": 1.2, "retain_ratio": 1.0, "test_ratio": 1.2})
    assert "+0.125" in read_texts(plot_steps(record))


def test_the_bar_of_the_gate_changes_colour_over_the_budget() -> None:
    runtime = make_record().relative_runtime
    assert len(find_rectangles(plot_runtime(runtime), "lost")) == 1
    assert find_rectangles(plot_runtime(runtime.model_copy(update={"over_budget": False})), "lost") == []


def test_there_is_a_dot_for_each_example_and_a_ring_for_each_shown_one() -> None:
    detail = make_detail()
    svg = plot_difficulty(detail)
    circles = [element.get("class") for element in ET.fromstring(svg).iter() if element.tag.endswith("circle")]
    assert circles.count("dot") == 40
    assert circles.count("mark") == len(detail.shown)


def test_equal_examples_can_be_drawn() -> None:
    svg = plot_difficulty(make_detail(epsilons=np.zeros(3), difficulty=np.full(3, 2.0)))
    assert "nan" not in svg.lower()


def test_unlearned_models_stand_above_the_line_and_retrained_ones_below() -> None:
    svg = plot_pools(make_example())
    (axis,) = [element for element in ET.fromstring(svg).iter() if element.get("class") == "axis"]
    middle = float(axis.attrib["y1"])
    assert all(bar["y"] + bar["height"] <= middle + 0.02 for bar in find_rectangles(svg, "unlearned"))
    assert all(bar["y"] >= middle for bar in find_rectangles(svg, "retrained"))


def test_the_shade_covers_the_region_and_no_more_of_the_picture() -> None:
    parts = ((-np.inf, -1.0), (2.0, np.inf))
    svg = plot_pools(make_example(region=Region(Attack.complement, Side.unlearned, parts, 0.1, 0.2)))
    low, high = find_rectangles(svg, "region")
    assert low["x"] < 5
    assert low["x"] + low["width"] < high["x"]
    assert high["x"] + high["width"] == pytest.approx(296, abs=1)


def test_shares_of_both_halves_add_up_to_one() -> None:
    example = make_example()
    edges = choose_edges(np.concatenate([example.unlearned, example.retrained]))
    for pool in (example.unlearned, example.retrained):
        assert count_shares(pool, edges).sum() == pytest.approx(1)


def test_one_outlier_does_not_stretch_the_axis() -> None:
    values = np.append(np.linspace(0, 1, 400), 103.6)
    assert choose_edges(values)[-1] < 2
    assert count_shares(values, choose_edges(values)).sum() == pytest.approx(1)


def test_both_halves_share_a_scale_unless_one_would_vanish() -> None:
    assert choose_tops(0.2, 0.1) == (0.2, 0.2)
    assert choose_tops(1.0, 0.1) == (1.0, 0.1)


@pytest.mark.parametrize("value", [0.0, 103.6163, -103.6163])
def test_constant_pools_of_any_size_can_be_drawn(value: float) -> None:
    example = make_example(unlearned=np.full(7, value), retrained=np.full(48, value))
    assert "nan" not in plot_pools(example).lower()


def test_a_grid_names_its_examples() -> None:
    texts = read_texts(plot_pool_grid([make_example(), make_example(example_id=9, epsilon=0.25)]))
    assert "example 1234, label seven, epsilon 1.50" in texts
    assert "example 9, label seven, epsilon 0.25" in texts


def test_a_grid_of_nothing_is_a_picture() -> None:
    ET.fromstring(plot_pool_grid([]))
