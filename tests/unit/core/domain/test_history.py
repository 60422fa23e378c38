from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.history import Cause, hash_change

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHANGE: dict[str, Any] = {
    "version": 3,
    "at": NOON,
    "cause": Cause.SCORED,
    "gone": ["e1", "e2"],
    "come": [{"name": "ann", "score": 0.1}, {"name": "bob", "score": None}],
}


def test_the_order_in_which_lines_are_named_does_not_matter() -> None:
    turned = CHANGE | {"gone": ["e2", "e1"], "come": [{"score": None, "name": "bob"}, {"score": 0.1, "name": "ann"}]}
    assert hash_change("", **turned) == hash_change("", **CHANGE)


@pytest.mark.parametrize(
    "other",
    [
        {"version": 4},
        {"at": NOON.replace(microsecond=1)},
        {"cause": Cause.REJUDGED},
        {"gone": ["e1"]},
        {"come": [{"name": "ann", "score": 0.1}]},
        {"come": [{"name": "ann", "score": 0.1000001}, {"name": "bob", "score": None}]},
    ],
)
def test_every_part_of_a_change_is_in_its_digest(other: dict[str, Any]) -> None:
    assert hash_change("", **(CHANGE | other)) != hash_change("", **CHANGE)


def test_a_digest_stands_for_all_before_it() -> None:
    assert hash_change("a", **CHANGE) != hash_change("b", **CHANGE)
