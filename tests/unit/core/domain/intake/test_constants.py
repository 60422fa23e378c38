from pathlib import Path

import pytest

from core.domain.errors import InvalidInput
from core.domain.intake.constants import list_constants, set_constants, split_changes

SOURCE = """EPOCHS, RATE = 3, 0.1
POWER = -0.5
NAME = 'x'
MANY = (1, 2)
lower = 2
YES = True

def unlearning():
    INNER = 1
"""


def test_numbers_in_capitals_at_the_top_are_what_can_be_changed() -> None:
    assert list_constants(SOURCE) == {"EPOCHS": 3, "RATE": 0.1, "POWER": -0.5}
    assert list_constants("this is no Python") == {}


def test_a_change_is_what_the_functions_see() -> None:
    source = "RATE = 0.1\n\n\ndef read():\n    return RATE\n"
    space: dict[str, object] = {}
    exec(set_constants(source, {"RATE": 1e-05}), space)
    assert space["read"]() == 1e-05  # type: ignore[operator]
    assert set_constants(source, {}) == source


def test_a_number_that_the_file_lacks_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="no such number: RTAE; the file has EPOCHS, RATE, POWER"):
        set_constants(SOURCE, {"RTAE": 1})


@pytest.mark.parametrize(
    ("text", "path", "changes"),
    [
        ("a.py", "a.py", {}),
        ("a.py:RATE=0.5,EPOCHS=2", "a.py", {"RATE": 0.5, "EPOCHS": 2}),
        ("odd:name.py", "odd:name.py", {}),
        ("odd:name.py:RATE=-1e-3", "odd:name.py", {"RATE": -0.001}),
    ],
)
def test_a_file_and_its_changes_are_told_apart(text: str, path: str, changes: dict[str, float]) -> None:
    assert split_changes(text) == (path, changes)


@pytest.mark.parametrize(
    "text", ["a.py:RATE=", "a.py:RATE=nan", "a.py:RATE=inf", "a.py:RATE=1;import os", "a.py:RATE=1,x=2"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no NAME=NUMBER"):
        split_changes(text)


def test_every_baseline_has_numbers_but_the_one_that_does_nothing() -> None:
    without = {path.stem for path in Path("baselines").glob("*.py") if not list_constants(path.read_text())}
    assert without == {"__init__", "identity", "retrain"}
