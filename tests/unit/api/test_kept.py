import threading
import time

import pytest

from api.kept import Kept


def test_a_result_is_made_once_and_the_longest_unused_goes_first() -> None:
    kept: Kept[list[str]] = Kept(2)
    first = kept.get("one", lambda: ["one"])
    kept.get("two", lambda: ["two"])
    assert kept.get("one", lambda: ["again"]) is first
    kept.get("three", lambda: ["three"])  # two goes
    assert kept.get("one", lambda: ["again"]) is first
    assert kept.get("two", lambda: ["again"]) == ["again"]


def test_many_who_ask_at_once_wait_for_one() -> None:
    kept: Kept[int] = Kept(2)
    made: list[int] = []

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return len(made)

    threads = [threading.Thread(target=kept.get, args=("key", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_an_error_is_not_kept() -> None:
    kept: Kept[int] = Kept(2)

    def fail() -> int:
        raise ValueError("once")

    with pytest.raises(ValueError, match="once"):
        kept.get("key", fail)
    assert kept.get("key", lambda: 7) == 7
