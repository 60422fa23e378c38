"""The replicas of an evaluation are cut into pieces of one request each, and nothing is lost or run twice."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from core.domain.cuts import Cut, cut_replicas


@given(st.integers(1, 300), st.integers(1, 5), st.integers(0, 20), st.integers(1, 130))
def test_every_replica_is_in_one_piece_and_requests_have_alike(
    total: int, requests: int, canary: int, size: int
) -> None:
    cuts = cut_replicas(total, requests=requests, canary=canary, size=size)
    ends = accumulate(cut.count for cut in cuts)
    assert [cut.first for cut in cuts] == [0, *ends][: len(cuts)]
    assert sum(cut.count for cut in cuts) == total
    assert all(0 < cut.count <= max(size, canary) for cut in cuts)
    counts = [sum(cut.count for cut in cuts if cut.request == request) for request in range(requests)]
    assert max(counts) - min(counts) <= max(1, canary)
    if canary * requests <= total:
        assert max(counts) - min(counts) <= 1


def test_one_request_is_cut_as_it_was_before_there_were_several() -> None:
    assert cut_replicas(256, requests=1, canary=8, size=124) == [Cut(0, 8), Cut(8, 124), Cut(132, 124)]
    assert cut_replicas(20, requests=1, canary=8, size=8) == [Cut(0, 8), Cut(8, 8), Cut(16, 4)]
    assert cut_replicas(4, requests=1, canary=8, size=8) == [Cut(0, 4)]


def test_requests_take_turns() -> None:
    cuts = cut_replicas(96, requests=3, canary=8, size=12)
    assert [cut.request for cut in cuts] == [0, 0, 1, 2, 0, 1, 2, 1, 2]
    assert [cut.count for cut in cuts] == [8, 12, 11, 11, 12, 11, 11, 10, 10]
