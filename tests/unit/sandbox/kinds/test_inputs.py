from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sandbox.kinds.inputs import SHOWN_TOKENS, Images, Rows, Tokens
from sandbox.kinds.parts import Inputs, Words

VOCABULARY = ("<padding>", "a", "very", "small", "dog")


def test_a_row_is_shown_by_the_names_of_its_columns() -> None:
    row = np.array([1.25, -3.0], np.float32)
    assert Rows().show(row, ("age", "weight")) == Words("age 1.25, weight -3")
    assert Rows().show(row, ()) == Words("column 0 1.25, column 1 -3")


def test_a_text_is_shown_in_words_without_what_fills_it_up() -> None:
    assert Tokens().show(np.array([1, 3, 4, 0, 0]), VOCABULARY) == Words("a small dog")
    shown = Tokens().show(np.full(SHOWN_TOKENS + 1, 2), VOCABULARY)
    assert isinstance(shown, Words)
    assert shown.text.count("very") == SHOWN_TOKENS
    assert shown.text.endswith("…")


@pytest.mark.parametrize(
    ("inputs", "x", "names", "reason"),
    [
        (Images(), np.zeros((2, 4)), (), "float32"),
        (Images(), np.full((2, 4), np.inf, np.float32), (), "not finite"),
        (Rows(), np.zeros((2, 3), np.float32), ("one",), "1 names for 3 columns"),
        (Rows(), np.zeros((2, 3, 3), np.float32), (), "shape"),
        (Tokens(), np.zeros((2, 3), np.float32), VOCABULARY, "int64"),
        (Tokens(), np.zeros(3, np.int64), VOCABULARY, "shape"),
        (Tokens(), np.full((2, 3), 5), VOCABULARY, "outside the vocabulary"),
        (Tokens(), np.full((2, 3), -1), VOCABULARY, "outside the vocabulary"),
    ],
    ids=["doubles", "infinite", "names", "not flat", "real tokens", "ragged", "unknown", "negative"],
)
def test_examples_of_another_type_are_refused_by_name(
    inputs: Inputs, x: npt.NDArray[Any], names: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        inputs.check(x, names)
