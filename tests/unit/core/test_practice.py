from typing import Any

import pytest
from pydantic import ValidationError

from core.problem_files import find_problem
from core.problems import ProblemSpec, is_published
from tests.hidden_problems import HIDDEN_SEED, make_hidden_values

OWN = {"forget": {"kind": "random", "fraction": 0.1, "seed": 61}, "split_seed": 62, "pool_seed": 63}
PRIVATE = {
    "forget": {"kind": "random", "fraction": 0.1, "seed": 2**64 + 77},
    "split_seed": 2**64 + 78,
    "pool_seed": 2**64 + 79,
}
UPLOADED = {"set": f"faces@{'a' * 64}"}


def make_with(practice: dict[str, Any], **changes: Any) -> ProblemSpec:
    values = make_hidden_values(find_problem("digits").model_dump()) | {"private": PRIVATE}
    return ProblemSpec.model_validate(values | {"practice": practice} | changes)


def test_a_practice_part_is_in_nothing_that_is_stored_or_shown_of_the_public_problem() -> None:
    spec, plain = make_with(OWN), make_with({"problem": "digits"})
    assert "practice" not in spec.model_dump(mode="json")
    assert spec.digest == plain.digest
    assert "practice=" not in repr(spec)


def test_a_request_of_its_own_is_the_same_problem_with_other_data_and_everything_shown() -> None:
    public, practice = make_with(OWN), make_with(OWN).make_practice()
    assert practice is not None
    assert (practice.exposure, practice.split.seed, practice.forget.seed, practice.pools.seed) == (
        "practice",
        62,
        61,
        63,
    )
    same = ("slug", "data", "network", "recipe", "evaluation")
    assert [getattr(practice, name) for name in same] == [getattr(public, name) for name in same]
    assert practice.make_practice() is None
    assert make_with({"problem": "digits"}).make_practice() is None


@pytest.mark.parametrize("practice", [{}, {"forget": OWN["forget"]}, {**OWN, "problem": "digits"}])
def test_half_a_request_is_refused(practice: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="`practice` names a `problem`"):
        make_with(practice)


@pytest.mark.parametrize("path", ["../digits", "/etc/passwd", "digits.toml"])
def test_a_practice_problem_is_a_name_and_never_a_path(path: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        make_with({"problem": path})


@pytest.mark.parametrize(
    "data",
    [
        UPLOADED,
        {"package": "digits", "options": {"folder": "/srv/hidden"}},
        {"package": "fashion_mnist", "options": {"folder": "/srv/hidden"}},
        {"package": "of_our_own"},
    ],
)
def test_hidden_data_cannot_be_practised_on(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="would show the hidden data"):
        make_with(OWN, data=data)
    assert make_with({"problem": "digits"}, data=data).make_practice() is None


def test_what_is_published_is_known_by_its_package() -> None:
    problems = ("digits", "fashion-mnist", "cifar10-resnet18", "svhn-resnet18")
    assert all(is_published(find_problem(name).data) for name in problems)


@pytest.mark.parametrize(
    "change",
    [
        {"split_seed": HIDDEN_SEED},
        {"split_seed": 2**64 + 78},
        {"split_seed": HIDDEN_SEED + 2},  # of its pools: whoever reads it tries it everywhere
        {"pool_seed": HIDDEN_SEED + 2},
        {"pool_seed": 2**64 + 79},
        {"forget": {"kind": "random", "fraction": 0.3, "seed": HIDDEN_SEED + 1}},
        {"forget": {"kind": "random", "fraction": 0.3, "seed": 2**64 + 77}},
        {"forget": {"kind": "random", "fraction": 0.3, "seed": 2**64 + 79}},
    ],
)
def test_practice_shares_no_draw_with_what_is_hidden(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="that of a hidden phase"):
        make_with({**OWN, **change})


@pytest.mark.parametrize(
    ("hidden", "practice"),
    [
        ({"kind": "class", "class_index": 3, "seed": 1}, {"kind": "class", "class_index": 3, "seed": 2}),
        (
            {"kind": "class", "class_index": 3, "fraction": 0.5, "seed": 2**64},
            {"kind": "class", "class_index": 3, "seed": 2},
        ),
        ({"kind": "ids", "ids": [1, 2], "seed": 1}, {"kind": "ids", "ids": [2, 1], "seed": 2}),
        ({"kind": "ids", "ids": [1, 2]}, {"kind": "ids", "ids": [2], "seed": 2}),
        ({"kind": "hardest", "ids": [1, 2]}, {"kind": "ids", "ids": [2], "seed": 2}),
    ],
)
def test_another_seed_makes_no_other_request_of_one_that_draws_nothing(
    hidden: dict[str, Any], practice: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError, match=r"`practice\.forget` is that of a hidden phase"):
        make_with({**OWN, "forget": practice}, forget=hidden)


@pytest.mark.parametrize(
    ("hidden", "practice"),
    [
        ({"kind": "class", "class_index": 3}, {"kind": "class", "class_index": 4}),
        (
            {"kind": "class", "class_index": 3, "fraction": 0.5, "seed": 2**64},
            {"kind": "class", "class_index": 3, "fraction": 0.5, "seed": 2},
        ),
        ({"kind": "ids", "ids": [1, 2]}, {"kind": "ids", "ids": [2, 3]}),
    ],
)
def test_another_request_of_the_same_kind_may_be_practised_on(hidden: dict[str, Any], practice: dict[str, Any]) -> None:
    assert make_with({**OWN, "forget": practice}, forget=hidden).make_practice() is not None


def test_an_open_problem_needs_no_practice() -> None:
    with pytest.raises(ValidationError, match="shows everything already"):
        make_with({"problem": "digits"}, exposure="practice")
