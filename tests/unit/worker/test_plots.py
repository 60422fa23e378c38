import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from worker.plots import ExamplePick, choose_examples, plot_confidences, plot_epsilons

BODY: dict[str, Any] = {
    "epsilon": {
        "edges": [0.0, 0.5, 1.0, 1.5],
        "points": [1.0, 0.5, 0.25, 0.0],
        "counts": [40, 0, 7, 3],
        "median": 0.31,
    }
}


def make_pools(models: int = 64, examples: int = 6) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    return rng.normal(2.0, 1.0, (models, examples)), rng.normal(0.0, 1.0, (models, examples))


@pytest.fixture(scope="module")
def epsilons() -> str:
    return plot_epsilons(BODY)


@pytest.fixture(scope="module")
def confidences() -> str:
    unlearned, retrained = make_pools()
    picks = [ExamplePick(i, 1000 + i, "<b>&nine", 0.5 * i) for i in (0, 3)]
    return plot_confidences(unlearned, retrained, picks)


def read_texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]


def test_a_plot_is_well_formed_and_brings_no_script_style_or_address(epsilons: str, confidences: str) -> None:
    for svg in (epsilons, confidences):
        ET.fromstring(svg)
        assert "<script" not in svg
        assert "<style" not in svg
        assert not re.search(r"\sstyle=|\son\w+=", svg)
        assert set(re.findall(r"https?://[^\"' ]+", svg)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }


def test_text_takes_the_colour_of_the_page(epsilons: str, confidences: str) -> None:
    for svg in (epsilons, confidences):
        fills = re.findall(r"<text[^>]*fill=\"([^\"]+)\"", svg)
        assert fills
        assert set(fills) == {"currentColor"}


def test_a_plot_says_what_it_shows_to_those_who_cannot_see_it(epsilons: str, confidences: str) -> None:
    for svg in (epsilons, confidences):
        label = re.search(r'<svg role="img" aria-label="([^"]+)"', svg)
        assert label is not None
        assert f"<title>{label.group(1)}</title>" in svg
    assert "50 forget examples, median 0.31 nats" in epsilons
    assert "1000, 1003" in confidences


def test_every_bucket_is_labelled_with_its_range_and_points(epsilons: str) -> None:
    texts = read_texts(epsilons)
    for label in ("0–0.51", "0.5–11/2", "1–1.51/4", "≥ 1.50"):
        assert label in texts


def test_bars_carry_their_counts_except_the_empty_ones(epsilons: str) -> None:
    texts = read_texts(epsilons)
    assert {"40", "7", "3"} <= set(texts)
    marks = re.findall(r'class="mark-text role-mark[^>]*>(.*?)</g>', epsilons)
    assert [text for mark in marks for text in re.findall(r">([^<]+)</text>", mark)] == ["40", "7", "3"]


def test_a_panel_is_titled_with_example_label_and_epsilon(confidences: str) -> None:
    texts = read_texts(confidences)
    assert any("example 1003, label <b>&nine" in text and "epsilon 1.50" in text for text in texts)


def test_both_pools_are_drawn_with_their_class(confidences: str) -> None:
    for name in ("unlearned", "retrained"):
        assert confidences.count(f'class="series-{name}"') > 10


def test_constant_and_far_values_can_be_drawn() -> None:
    unlearned, retrained = make_pools(examples=2)
    unlearned[:, 0] = retrained[:, 0] = 3.0
    unlearned[0, 1] = 103.6
    svg = plot_confidences(unlearned, retrained, [ExamplePick(0, 1, "a", 0.0), ExamplePick(1, 2, "b", 2.0)])
    assert "NaN" not in svg
    assert "100" not in read_texts(svg)  # one outlier does not stretch the axis


def test_pools_of_different_size_can_be_compared() -> None:
    unlearned, retrained = make_pools()
    assert "<svg" in plot_confidences(unlearned[:7], retrained, [ExamplePick(0, 1, "a", 0.0)])


def test_the_choice_goes_from_best_to_worst_through_the_median() -> None:
    chosen = choose_examples(np.array([5.0, 1.0, 3.0, 2.0, 4.0, 0.0, 6.0]))
    assert chosen[0] == 5
    assert chosen[2] == 2
    assert chosen[-1] == 6
    assert len(chosen) == 5


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_few_examples_are_all_chosen_once(count: int) -> None:
    assert sorted(choose_examples(np.arange(count, dtype=float))) == list(range(count))
