import csv
import io

import pytest

from core.domain.spreadsheet import protect, write_csv


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1", "＋1", "－1", "＠x"]
)
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert protect(text) == f"'{text}"


@pytest.mark.parametrize("value", ["ann", "a=1", "", None, -0.5, 3, True])
def test_what_is_harmless_stays_as_it_is(value: object) -> None:
    assert protect(value) == value


def test_a_table_is_read_back_as_it_was_written() -> None:
    rows = [{"name": 'a "b", c\nd', "score": 0.1 + 0.2}, {"name": "x"}]
    read = list(csv.reader(io.StringIO(write_csv(rows, ("name", "score")))))
    assert read == [["name", "score"], ['a "b", c\nd', "0.30000000000000004"], ["x", ""]]


def test_a_table_can_be_written_in_parts() -> None:
    columns = ("name",)
    parts = write_csv([], columns) + write_csv([{"name": "a"}], columns, header=False)
    assert parts == write_csv([{"name": "a"}], columns)
