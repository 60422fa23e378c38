import itertools
from typing import Any

import pytest

from core.domain.seeds import EXACT, GUESSABLE, SEED_BITS, complete_seeds, make_seed, read_seed, write_seed

RANDOM = {"kind": "random", "fraction": 0.1}
DOCUMENT: dict[str, Any] = {"exposure": "public", "split": {"train": 9}, "pools": {}, "forget": RANDOM}


def complete(
    document: dict[str, Any], stored: dict[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, int | str]]:
    numbers = itertools.count(GUESSABLE)
    return complete_seeds(document, stored or {}, lambda: next(numbers))


@pytest.mark.parametrize("seed", [0, 7, EXACT - 1, EXACT, GUESSABLE, 2**SEED_BITS - 1])
def test_a_seed_is_written_without_loss(seed: int) -> None:
    written = write_seed(seed)
    assert read_seed(written) == seed
    assert isinstance(written, str) or float(written) == written


def test_small_seeds_stay_numbers_so_that_digests_of_problems_stay() -> None:
    assert [write_seed(seed) for seed in (0, 1, EXACT - 1)] == [0, 1, EXACT - 1]


@pytest.mark.parametrize(("text", "seed"), [("12", 12), ("0xff", 255), (" 0XFF ", 255), ("-1", -1)])
def test_a_seed_may_be_written_as_text(text: str, seed: int) -> None:
    assert read_seed(text) == seed


@pytest.mark.parametrize("value", ["", "many", "0x", "1.5", "ff", None, 1.5, [1]])
def test_what_is_no_seed_is_left_to_be_refused(value: object) -> None:
    assert read_seed(value) == value


@pytest.mark.parametrize("drawn", [0, 2**SEED_BITS - GUESSABLE - 1])
def test_a_drawn_seed_cannot_be_guessed(drawn: int) -> None:
    assert GUESSABLE <= make_seed(lambda below: min(drawn, below - 1)) < 2**SEED_BITS


def test_a_hidden_phase_gets_the_seeds_that_its_file_leaves_out() -> None:
    document, drawn = complete(DOCUMENT)
    assert set(drawn) == {"split.seed", "pools.seed", "forget.seed"}
    seeds = [document[part]["seed"] for part in ("split", "pools", "forget")]
    assert len(set(seeds)) == 3
    assert all(int(str(read_seed(seed))) >= GUESSABLE for seed in seeds)
    assert document["split"]["train"] == 9
    assert DOCUMENT["split"] == {"train": 9}  # what came in is left as it was


def test_what_the_file_says_or_the_platform_has_is_kept() -> None:
    said, kept = write_seed(2**100), write_seed(2**101)
    document, drawn = complete(DOCUMENT | {"split": {"seed": said}}, {"split": {"seed": kept}, "pools": {"seed": kept}})
    assert (document["split"]["seed"], document["pools"]["seed"]) == (said, kept)
    assert set(drawn) == {"forget.seed"}


def test_a_small_seed_is_never_kept_for_a_hidden_phase() -> None:
    document, drawn = complete(DOCUMENT, {"split": {"seed": 7}})
    assert (document["split"]["seed"], "split.seed" in drawn) == (write_seed(GUESSABLE), True)


def test_a_practice_problem_says_its_seeds_itself() -> None:
    document = {**DOCUMENT, "exposure": "practice"}
    assert complete(document) == (document, {})


@pytest.mark.parametrize(
    "request_", [{"kind": "class", "class_index": 3}, {"kind": "ids", "ids": [1]}, {"kind": "hardest", "ids": [1]}]
)
def test_a_request_that_draws_nothing_gets_no_seed(request_: dict[str, Any]) -> None:
    assert "forget.seed" not in complete(DOCUMENT | {"forget": request_})[1]


@pytest.mark.parametrize("kind", ["relabelled", "poisoned"])
def test_canaries_of_a_hidden_phase_are_drawn_from_a_seed(kind: str) -> None:
    assert "forget.seed" in complete(DOCUMENT | {"forget": {"kind": kind, "fraction": 0.1}})[1]


@pytest.mark.parametrize(("exposure", "is_cut_anew"), [("public", False), ("practice", True)])
def test_a_private_phase_is_cut_as_the_public_one_unless_that_is_shown(exposure: str, is_cut_anew: bool) -> None:
    _, drawn = complete({**DOCUMENT, "exposure": exposure, "private": {"forget": RANDOM}})
    assert {"private.pool_seed", "private.forget.seed"} <= set(drawn)
    assert ("private.split_seed" in drawn) is is_cut_anew


@pytest.mark.parametrize("part", [None, 3, "text", []])
def test_a_file_that_makes_no_sense_is_left_to_be_refused(part: Any) -> None:
    assert "split.seed" not in complete({**DOCUMENT, "split": part, "private": part})[1]
