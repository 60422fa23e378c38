import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.toml_text import write_toml

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
tables = st.recursive(
    st.dictionaries(texts, scalars | st.lists(scalars, max_size=3), max_size=4),
    lambda inner: st.dictionaries(texts, inner | scalars, max_size=3),
    max_leaves=6,
)


@given(tables)
def test_what_is_written_is_read_back(values: dict[str, Any]) -> None:
    assert tomllib.loads(write_toml(values)) == values


def test_a_file_is_written_for_people() -> None:
    values = {
        "slug": "a",
        "split": {"seed": 1},
        "private": {"forget": {"ids": [1, 2]}},
        "rules": "be\nfair",
        "no": None,
    }
    assert write_toml(values | {"no": None}) == (
        'slug = "a"\nrules = """\nbe\nfair"""\n\n[split]\nseed = 1\n\n[private.forget]\nids = [1, 2]\n'
    )


@pytest.mark.parametrize("text", ['"""', "a\r\nb", "\x7f\n\x00", "\\\n", '\n"""\n', "\n"])
def test_no_text_ends_its_quotes(text: str) -> None:
    assert tomllib.loads(write_toml({"text": text})) == {"text": text}
