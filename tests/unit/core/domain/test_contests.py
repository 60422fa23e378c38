"""What a board says about the contest it shows: true for any number of originals and requests."""

import pytest

from core.domain.contests import describe_scope, find_telling_lead


def test_more_of_anything_finds_smaller_leads_again() -> None:
    leads = [find_telling_lead(*plan) for plan in ((1, 1, 64), (1, 1, 256), (2, 1, 256), (2, 3, 256), (5, 5, 256))]
    assert leads == sorted(set(leads), reverse=True)


def test_endlessly_many_replicas_leave_what_an_original_and_a_request_do() -> None:
    assert 0.005 < find_telling_lead(1, 1, 10**12) < find_telling_lead(1, 1, 256)


@pytest.mark.parametrize(
    ("originals", "requests", "words"),
    [(1, 1, "one original model and one forget request"), (5, 3, "5 original models and 3 forget requests")],
)
def test_the_sentence_counts_what_was_drawn(originals: int, requests: int, words: str) -> None:
    alone = describe_scope(originals, requests, 256)
    assert f"Every entry ran on {words}." in alone
    assert "hold for these alone" in alone
    assert f"truly are {find_telling_lead(originals, requests, 256):.3f} apart" in alone
    assert "allow for others" in describe_scope(originals, requests, 256, allows_for_others=True)
