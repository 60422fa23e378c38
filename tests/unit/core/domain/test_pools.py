from core.domain.pools import estimate_seconds_left


def test_the_rest_takes_as_long_a_model_as_what_is_done() -> None:
    assert estimate_seconds_left(25, 100, 50.0) == 150.0


def test_nothing_is_known_before_the_first_model() -> None:
    assert estimate_seconds_left(0, 100, 50.0) is None
