"""Which forget examples of a score are kept whole, so that a page can show them one by one."""

WORST, BEST, BETWEEN = 6, 3, 31


def choose_ranks(count: int) -> tuple[int, ...]:
    """Of `count` examples by how badly they are forgotten: the worst, the best, some evenly between; from 0."""
    if count <= WORST + BEST + BETWEEN:
        return tuple(range(count))
    first, last = WORST, count - BEST
    between = (first + (last - first) * (2 * step + 1) // (2 * BETWEEN) for step in range(BETWEEN))
    return (*range(WORST), *between, *range(last, count))
