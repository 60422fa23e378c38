from cli.show.numbers import show_interval


def test_an_interval_is_shown_by_its_longer_half() -> None:
    assert show_interval(0.99, 0.93, 0.995) == "0.990 ± 0.060"
    assert show_interval(0.02, 0.01, 0.05) == "0.020 ± 0.030"


def test_an_estimate_without_both_ends_stands_alone() -> None:
    assert show_interval(0.5, 0.1, None) == "0.500"
    assert show_interval(None, None, None) == "–"
