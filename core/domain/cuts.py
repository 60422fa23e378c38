"""How the replicas of an evaluation are cut: each piece runs in one box, on one forget request."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    """Replicas `first` … `first + count - 1`, on the request of this place."""

    first: int
    count: int
    request: int = 0


def cut_replicas(total: int, *, requests: int, canary: int, size: int) -> list[Cut]:
    """A canary on the first request, then pieces of at most `size`; several requests take turns at pieces alike.

    So whatever prefix of the pieces has run is spread over the requests. canary: 0 for none.

    >>> [(cut.first, cut.count, cut.request) for cut in cut_replicas(48, requests=2, canary=8, size=16)]
    [(0, 8, 0), (8, 16, 0), (24, 12, 1), (36, 12, 1)]
    """
    canary = min(canary, total)
    shares = _share_out(total - canary, canary, requests)
    pieces = [list(_cut_alike(share, size) if requests > 1 else _cut_off(share, size)) for share in shares]
    cuts = [Cut(0, canary)] if canary else []
    first = canary
    for turn in range(max(map(len, pieces))):
        for request, own in enumerate(pieces):
            if turn < len(own):
                cuts.append(Cut(first, own[turn], request))
                first += own[turn]
    return cuts


def _share_out(rest: int, canary: int, requests: int) -> list[int]:
    """How many of the rest each request gets, so that with the canary, which is of the first, all have alike."""
    first = max((rest + canary + requests - 1) // requests - canary, 0)
    others = requests - 1
    if not others:
        return [rest]
    left = rest - first
    return [first, *(left // others + (place < left % others) for place in range(others))]


def _cut_off(count: int, size: int) -> Iterator[int]:
    yield from (min(size, count - start) for start in range(0, count, size))


def _cut_alike(count: int, size: int) -> Iterator[int]:
    pieces = -(-count // size)
    yield from (count // pieces + (place < count % pieces) for place in range(pieces))
