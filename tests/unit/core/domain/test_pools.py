import pytest

from core.domain.errors import IllegalTransition
from core.domain.pools import POOL_MOVES, PoolState, check_pool_move, compute_seal_digest, estimate_seconds_left


def test_the_rest_takes_as_long_a_model_as_what_is_done() -> None:
    assert estimate_seconds_left(25, 100, 50.0) == 150.0


def test_nothing_is_known_before_the_first_model() -> None:
    assert estimate_seconds_left(0, 100, 50.0) is None


@pytest.mark.parametrize("current", PoolState)
@pytest.mark.parametrize("target", PoolState)
def test_a_pool_moves_only_as_the_table_says(current: PoolState, target: PoolState) -> None:
    if target in POOL_MOVES[current]:
        check_pool_move(current, target)
    else:
        with pytest.raises(IllegalTransition, match=f"{current} cannot become {target}"):
            check_pool_move(current, target)


def test_a_seal_covers_order_and_every_digest() -> None:
    one, two = {"name": "a", "digest": "1", "members": ["x"]}, {"name": "b", "digest": "2", "members": ["y"]}
    digests = {compute_seal_digest(chunks) for chunks in ([one, two], [two, one], [one], [one, two | {"members": []}])}
    assert len(digests) == 4
