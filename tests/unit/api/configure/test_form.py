import tomllib
from typing import Any

import pytest

from api.configure.document import SEEDS, draw_seeds
from api.configure.fields import DATA, FIELDS
from api.configure.form import fill_form, read_form
from core.competition_file import parse_competition_file
from core.domain.toml_text import write_toml
from core.problem_files import PROBLEM_FOLDER, list_problems
from core.problem_parts import EvaluationPart, RecipePart, SplitPart

SLUGS = [spec.slug for spec in list_problems()]
SEED = f"0x{2**127:032x}"
PRIVATE = {"forget": {"kind": "ids", "ids": [3, 5]}, "split_seed": SEED, "pool_seed": SEED}
OWN = {
    "draft": True,
    "daily_limit": 3,
    "total_limit": 0,
    "selection_limit": 1,
    "team_size": 2,
    "closes_at": "2030-01-01T12:00:59+00:00",
    "rules": "Be *fair*.\n\nAlways.",
}


def load(slug: str = "digits", **parts: Any) -> dict[str, Any]:
    return tomllib.loads((PROBLEM_FOLDER / f"{slug}.toml").read_text()) | parts


def change(values: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return values | {name.replace("__", "."): value for name, value in fields.items()}


@pytest.mark.parametrize("slug", SLUGS)
def test_every_shipped_problem_goes_through_the_form_unchanged(slug: str) -> None:
    document = load(slug, private=PRIVATE, competition=OWN)
    filled = read_form(fill_form(document))
    assert filled.mistakes == {}
    assert parse_competition_file(filled.document, source="form") == parse_competition_file(document, source="file")


@pytest.mark.parametrize("slug", SLUGS)
def test_the_form_and_the_file_it_writes_are_the_same(slug: str) -> None:
    document = read_form(fill_form(load(slug, private=PRIVATE, competition=OWN))).document
    assert tomllib.loads(write_toml(document)) == document


def test_a_deadline_is_read_with_and_without_seconds() -> None:
    filled = fill_form(load(competition=OWN))
    assert filled["competition.closes_at"] == "2030-01-01T12:00:59"
    short = read_form(change(filled, competition__closes_at="2030-01-01T12:00"))
    assert (short.document["competition"]["closes_at"], short.mistakes) == ("2030-01-01T12:00:00+00:00", {})


def test_an_uploaded_data_set_goes_through_the_form() -> None:
    reference = f"faces@{'a' * 64}"
    document = load(data={"set": reference, "options": {"scale": "bytes"}})
    values = fill_form(document)
    assert values[DATA] == f"set:{reference}"
    assert read_form(values).document["data"] == document["data"]


@pytest.mark.parametrize(("path", "values"), [("recipe.milestones", [1, 3]), ("recipe.class_weights", [0.5, 2])])
def test_a_list_of_numbers_goes_through_the_form(path: str, values: list[float]) -> None:
    part, name = path.split(".")
    document = load()
    document[part] = document[part] | {name: values}
    filled = fill_form(document)
    assert filled[path] == ", ".join(map(str, values))
    assert read_form(filled).document[part][name] == values
    wrong = read_form(change(filled, **{path.replace(".", "__"): "1, two"}))
    assert "commas" in wrong.mistakes[path]


@pytest.mark.parametrize(
    ("kind", "name", "value", "shown"),
    [
        ("class", "class_index", 2, "2"),
        ("class", "class_index", "cat", "cat"),
        ("class", "class_index", "7", '"7"'),
        ("class", "class_index", 'the "big" one', '"the ""big"" one"'),
        ("classes", "classes", [0, 7], "0, 7"),
        ("classes", "classes", ["cat", 3, "salt, pepper"], 'cat, 3, "salt, pepper"'),
    ],
)
def test_classes_are_named_or_placed_in_the_form_as_in_the_file(kind: str, name: str, value: Any, shown: str) -> None:
    filled = fill_form(load() | {"forget": {"kind": kind, name: value}})
    assert filled[f"forget.{name}"] == shown
    assert read_form(filled).document["forget"][name] == value


@pytest.mark.parametrize(
    ("kind", "typed", "why"),
    [
        ("class", "1, 2", "one class"),
        ("class", "-1", "counted from 0"),
        ("class", '"cat', "not closed"),
        ("classes", "1,,2", "with commas between them"),
        ("classes", "1, 1", "each once"),
        ("classes", 'the "big" one', "as a whole"),
    ],
)
def test_a_class_that_cannot_be_read_is_refused_at_its_field(kind: str, typed: str, why: str) -> None:
    field = "forget.class_index" if kind == "class" else "forget.classes"
    mistakes = read_form(change(fill_form(load()), forget__kind=kind) | {field: typed}).mistakes
    assert [why in said for said in mistakes.values()] == [True]


def test_the_form_asks_for_everything_that_a_problem_may_say() -> None:
    asked = {field.path for field in FIELDS}
    for part, model in (("recipe", RecipePart), ("split", SplitPart), ("evaluation", EvaluationPart)):
        said = {f"{part}.{name}" for name in model.model_fields}
        assert said - asked <= {"evaluation.adaptive"}  # a section of its own


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("random", {"fraction": 0.5, "seed": 1}),
        ("class", {"class_index": 2, "fraction": 0.5, "seed": 1}),
        ("ids", {"ids": [3]}),
        ("hardest", {"ids": [3]}),
        ("relabelled", {"fraction": 0.5, "seed": 1}),
        ("poisoned", {"fraction": 0.5, "seed": 1}),
    ],
)
def test_fields_of_another_kind_of_request_say_nothing(kind: str, said: dict[str, Any]) -> None:
    every = {"forget__fraction": "0.5", "forget__class_index": "2", "forget__ids": "3", "forget__seed": "1"}
    filled = read_form(change(fill_form(load()), forget__kind=kind, **every))
    assert (filled.document["forget"], filled.mistakes) == ({"kind": kind, **said}, {})


def test_a_section_that_is_off_says_nothing() -> None:
    document = read_form(change(fill_form(load(private=PRIVATE)), private="")).document
    assert "private" not in document


@pytest.mark.parametrize(
    ("fields", "where", "why"),
    [
        ({"split__seed": "many"}, "split.seed", "whole number"),
        ({"recipe__learning_rate": "0"}, "recipe.learning_rate", "greater than 0"),
        ({"recipe__learning_rate": "inf"}, "recipe.learning_rate", "finite"),
        ({"recipe__epochs": ""}, "recipe.epochs", "Field required"),
        ({"network__options": "hidden"}, "network.options", "name = value"),
        ({"forget__kind": "class"}, "forget.kind", "needs `class_index`"),
        ({"forget__kind": "ids", "forget__ids": "1\n1"}, "forget.ids", "twice"),
        ({"forget__kind": "hardest"}, "forget.kind", "`lacuna problem hardest` finds them"),
        ({"data": "nothing"}, "data", "String should match"),
        ({"evaluation__attacks": []}, "evaluation.attacks", "at least 1 item"),
        ({"competition__closes_at": "soon"}, "competition.closes_at", "is not a time such as"),
        ({"competition__daily_limit": "0"}, "competition.daily_limit", "greater than or equal to 1"),
        ({"slug": "Not a slug"}, "slug", "String should match"),
    ],
)
def test_a_mistake_stands_at_its_field(fields: dict[str, Any], where: str, why: str) -> None:
    mistakes = read_form(change(fill_form(load()), **fields)).mistakes
    assert (list(mistakes), why in mistakes[where]) == ([where], True)


def test_every_mistake_is_found_at_once() -> None:
    values = change(fill_form(load()), split__seed="-1", pools__replicas="2", title="")
    assert set(read_form(values).mistakes) == {"split.seed", "pools.replicas", "title"}


def test_seeds_are_drawn_anew_every_time() -> None:
    first, second = draw_seeds(load()), draw_seeds(load())
    assert all(first[part][name] != second[part][name] for part, name in SEEDS)
