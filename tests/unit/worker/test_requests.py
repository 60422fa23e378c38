"""Which training examples a request chooses, by every kind, and the one line that refuses what cannot be chosen."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.domain.errors import InvalidInput
from core.problem_files import load_problem_file
from core.problem_parts import ForgetPart
from core.problems import is_same_draw
from tests.tiny_problems import make_tiny_spec
from worker.problems import load_problem, load_requests
from worker.requests import Training, choose_forget, choose_requests, settle_classes

Y = np.repeat([0, 1, 2], [40, 20, 10])
TRAINING = Training(
    y=Y,
    true_y=np.roll(Y, 1),
    ids=np.arange(100, 170),
    groups={"person": np.arange(70) // 5, "sex": np.arange(70) % 2, "all": np.zeros(70, np.int64)},
)


def choose(**request: Any) -> list[int]:
    return np.flatnonzero(choose_forget(TRAINING, ForgetPart.model_validate(request), classes=3)).tolist()


def test_a_stratified_request_takes_the_same_share_of_every_class() -> None:
    chosen = choose(kind="stratified", fraction=0.2, seed=1)
    assert np.bincount(Y[chosen]).tolist() == [8, 4, 2]
    assert chosen != choose(kind="stratified", fraction=0.2, seed=2)


def test_several_classes_go_in_whole_or_in_part() -> None:
    assert choose(kind="classes", classes=[2, 1]) == list(range(40, 70))
    assert np.bincount(Y[choose(kind="classes", classes=[1, 2], fraction=0.5)], minlength=3).tolist() == [0, 10, 5]


@pytest.mark.parametrize(
    ("named", "placed"),
    [
        ({"kind": "class", "class_index": "dog"}, {"kind": "class", "class_index": 1}),
        ({"kind": "classes", "classes": ["owl", 0]}, {"kind": "classes", "classes": [2, 0]}),
        ({"kind": "random", "fraction": 0.5}, {"kind": "random", "fraction": 0.5}),
    ],
)
def test_a_class_may_be_asked_for_by_its_name(named: dict[str, Any], placed: dict[str, Any]) -> None:
    settled = settle_classes(ForgetPart.model_validate(named), ("cat", "dog", "owl"))
    assert settled == ForgetPart.model_validate(placed)


def test_a_name_that_is_no_class_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="the class 'bird'; the data set has cat, dog"):
        settle_classes(ForgetPart(kind="class", class_index="bird"), ("cat", "dog"))


def test_a_problem_is_cut_alike_by_name_and_by_place() -> None:
    named, placed = (load_problem(make_tiny_spec(forget={"kind": "class", "class_index": at})) for at in ("3", 3))
    assert named.manifest == placed.manifest
    assert 3 not in named.splits.test.y


def test_a_class_by_name_may_be_the_one_that_another_request_has_by_place() -> None:
    one, other = (ForgetPart(kind="class", class_index=each) for each in ("dog", 1))
    assert is_same_draw(one, other)
    assert not is_same_draw(one, ForgetPart(kind="class", class_index="cat"))


def test_part_of_one_class_is_drawn_as_part_of_a_list_of_one() -> None:
    one = choose(kind="class", class_index=1, fraction=0.3, seed=4)
    assert one == choose(kind="classes", classes=[1], fraction=0.3, seed=4)


def test_labels_are_those_that_are_trained_on_or_the_true_ones() -> None:
    assert choose(kind="class", class_index=2) == list(range(60, 70))
    assert choose(kind="class", class_index=2, labels="true") == [0, *range(61, 70)]


def test_groups_go_by_value_or_are_drawn_whole() -> None:
    assert choose(kind="groups", column="sex", values=[1]) == list(range(1, 70, 2))
    chosen = choose(kind="groups", column="person", fraction=0.25, seed=3)
    people = TRAINING.groups["person"]
    assert len(chosen) == 20
    assert not set(people[chosen]) & set(np.delete(people, chosen))


@pytest.mark.parametrize("request_", [{"kind": "random", "fraction": 0.1}, {"kind": "ids", "ids": [100, 166]}])
def test_nobody_is_in_both_sets_where_groups_go_together(request_: dict[str, Any]) -> None:
    alone, chosen = choose(**request_), choose(**request_, together="person")
    people = TRAINING.groups["person"]
    assert set(alone) < set(chosen)
    assert not set(people[chosen]) & set(np.delete(people, chosen))


def test_ids_outside_the_training_part_are_refused_or_ignored() -> None:
    with pytest.raises(InvalidInput, match="not in the training part: 7"):
        choose(kind="ids", ids=[7, 101])
    assert choose(kind="ids", ids=[7, 101], outside="ignored") == [1]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"kind": "classes", "classes": [0, 3]}, "names class 3; the data set has the classes 0 to 2"),
        ({"kind": "classes", "classes": [0, 1, 2]}, "nothing is left to retain"),
        ({"kind": "groups", "column": "hair", "values": [1]}, "column 'hair'; the data set has person, sex, all"),
        ({"kind": "groups", "column": "sex", "values": [1, 2]}, "no training example has sex 2"),
        ({"kind": "groups", "column": "person", "fraction": 0.01}, "selects no example"),
        ({"kind": "random", "fraction": 0.1, "together": "all"}, "nothing is left to retain"),
        ({"kind": "ids", "ids": [7], "outside": "ignored"}, "selects no example"),
    ],
    ids=["class", "every class", "column", "value", "few groups", "one group", "no ids"],
)
def test_what_cannot_be_chosen_is_refused_in_one_line(request_: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        choose(**request_)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"kind": "classes"}, "needs `classes`"),
        ({"kind": "class", "class_index": -1}, "counted from 0"),
        ({"kind": "classes", "classes": []}, "one or more"),
        ({"kind": "classes", "classes": [1, 1]}, "each once"),
        ({"kind": "groups", "column": "sex"}, "needs `values` of the column, or the `fraction`"),
        ({"kind": "groups", "column": "sex", "values": [1], "fraction": 0.5}, "needs `values`"),
        ({"kind": "random", "fraction": 0.1, "values": [1]}, "no other kind's values"),
        ({"kind": "stratified", "fraction": 0.1, "class_index": 1}, "no other kind's values"),
        ({"kind": "random", "fraction": 0.1, "labels": "true"}, "by class, not of kind 'random'"),
        ({"kind": "random", "fraction": 0.1, "outside": "ignored"}, "name ids, not of kind 'random'"),
    ],
)
def test_a_request_that_says_too_little_or_too_much_is_refused(request_: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ForgetPart.model_validate(request_)


def test_what_older_files_do_not_say_is_no_part_of_their_digest() -> None:
    said = make_tiny_spec().model_dump(mode="json")["forget"]
    assert set(said) == {"kind", "fraction", "class_index", "ids", "seed"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"kind": "class", "class_index": 1}, {"kind": "classes", "classes": [1, 2]}, True),
        ({"kind": "class", "class_index": 3}, {"kind": "classes", "classes": [1, 2]}, False),
        ({"kind": "groups", "column": "a", "values": [1]}, {"kind": "groups", "column": "a", "values": [1, 2]}, True),
        ({"kind": "groups", "column": "a", "values": [1]}, {"kind": "groups", "column": "b", "values": [1]}, False),
        ({"kind": "stratified", "fraction": 0.1, "seed": 1}, {"kind": "stratified", "fraction": 0.2, "seed": 1}, True),
        ({"kind": "stratified", "fraction": 0.1, "seed": 1}, {"kind": "stratified", "fraction": 0.1, "seed": 2}, False),
    ],
    ids=["class in classes", "other class", "shared value", "other column", "same seed", "other seed"],
)
def test_requests_that_overlap_are_known(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert is_same_draw(ForgetPart.model_validate(one), ForgetPart.model_validate(other)) is same


def test_classes_that_go_whole_are_no_longer_asked_for() -> None:
    splits = load_problem(make_tiny_spec(forget={"kind": "classes", "classes": [3, 5]})).splits
    for part in (splits.retain, splits.validation, splits.test):
        assert not np.isin(part.y, [3, 5]).any()
    assert set(splits.forget.y.tolist()) == {3, 5}


def test_patients_can_be_forgotten_by_their_sex() -> None:
    spec = make_tiny_spec(
        kind="tabular_regression",
        data={"package": "diabetes"},
        split={"train": 300, "validation": 20, "test": 60, "label_noise": 0.0, "seed": 5},
        forget={"kind": "groups", "column": "sex", "values": [2]},
    )
    splits, sex = load_problem(spec).splits, 1
    assert len(np.unique(splits.forget.x[:, sex])) == len(np.unique(splits.retain.x[:, sex])) == 1
    assert splits.forget.x[0, sex] > splits.retain.x[0, sex]


def test_ids_come_from_a_file_beside_any_problem_file(tmp_path: Path) -> None:
    named = load_problem(make_tiny_spec()).splits.retain.ids[:3].tolist()
    (tmp_path / "ids.csv").write_text("\n".join(map(str, named)))
    text = """
        slug = "mine"
        title = "Mine"
        data = { package = "digits" }
        network = { package = "digits" }
        recipe = { epochs = 1, batch_size = 32, learning_rate = 0.1 }
        split = { validation = 50, train = 240, seed = 5 }
        forget = { kind = "ids", ids_file = "ids.csv" }
        pools = { replicas = 16, seed = 7 }
        evaluation = { replicas = 16 }
    """
    (tmp_path / "mine.toml").write_text(text)
    assert load_problem_file(tmp_path / "mine.toml").forget.ids == named
    (tmp_path / "ids.csv").write_text("7\nseven\n")
    with pytest.raises(InvalidInput, match=r"ids\.csv"):
        load_problem_file(tmp_path / "mine.toml")
    (tmp_path / "ids.csv").unlink()
    with pytest.raises(InvalidInput, match="cannot read the ids"):
        load_problem_file(tmp_path / "mine.toml")


def choose_all(*requests: dict[str, Any]) -> list[list[int]]:
    parts = [ForgetPart.model_validate(request) for request in requests]
    return [np.flatnonzero(chosen).tolist() for chosen in choose_requests(TRAINING, parts, classes=3)]


DRAWN = [
    {"kind": "random", "fraction": 0.2, "seed": 1},
    {"kind": "random", "fraction": 0.2, "seed": 2},
    {"kind": "stratified", "fraction": 0.2, "seed": 1},
]


def test_several_requests_draw_no_example_twice_and_the_first_as_it_does_alone() -> None:
    found = choose_all(*DRAWN)
    assert found[0] == choose(**DRAWN[0])
    assert [len(each) for each in found] == [14, 14, 14]
    assert len({place for each in found for place in each}) == 42
    assert found[1] != choose(**DRAWN[1])  # some of which were taken


def test_what_is_named_is_taken_before_anything_is_drawn() -> None:
    named = {"kind": "groups", "column": "sex", "values": [1]}
    drawn, taken = choose_all({"kind": "random", "fraction": 0.5, "seed": 1}, named)
    assert (len(drawn), set(place % 2 for place in drawn)) == (35, {0})
    assert taken == choose(**named)


def test_groups_are_drawn_from_those_that_nobody_asked_for() -> None:
    people = {"kind": "groups", "column": "person", "fraction": 0.5}
    one, other = choose_all({**people, "seed": 1}, {**people, "seed": 2})
    assert (len(one), len(other), set(one) & set(other)) == (35, 35, set())


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        ([{"kind": "class", "class_index": 2}, {"kind": "ids", "ids": [100, 165]}], "1 and 2 ask for the same 1 ex"),
        (
            [{"kind": "random", "fraction": 0.5, "seed": 1}, {"kind": "random", "fraction": 0.6, "seed": 2}],
            "request 2: 42 examples are to be drawn, and the other requests leave 35",
        ),
        (
            [{"kind": "class", "class_index": 2}, {"kind": "stratified", "fraction": 0.2, "seed": 1}],
            "request 2: 2 examples are to be drawn, and the other requests leave 0",
        ),
        (
            [{"kind": "groups", "column": "person", "fraction": 0.6, "seed": place} for place in (1, 2)],
            "request 2: 8 groups of person are to be drawn, and the other requests leave 6",
        ),
        ([DRAWN[0], {"kind": "ids", "ids": [1]}], "request 2: the forget request names examples that are not"),
    ],
)
def test_requests_that_overlap_or_ask_for_too_much_are_refused(requests: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        choose_all(*requests)


def test_every_request_of_a_problem_is_cut_from_the_same_training_part() -> None:
    spec = make_tiny_spec()
    several = spec.model_copy(update={"further": (spec.forget.model_copy(update={"seed": 77}),)})
    first, second = load_requests(several)
    alone = load_problem(spec)
    assert (first.request, second.request, second.asked.seed) == (0, 1, 77)
    assert first.manifest == alone.manifest
    assert not set(first.splits.forget.ids.tolist()) & set(second.splits.forget.ids.tolist())
    known = [set(np.concatenate([each.splits.retain.ids, each.splits.forget.ids]).tolist()) for each in (first, second)]
    assert known[0] == known[1]
    assert len({first.digest, second.digest, alone.digest}) == 3
