import dataclasses

import pytest

from evaluator import InvalidPool
from evaluator.metrics.aggregates import Percents, compute_avg_d, compute_avg_gap, compute_sum

# Rows of the published tables, CIFAR-10, 10 % of it to forget: SalUn's for Avg. Gap, SFR-on's for Avg.D.
SALUN_RETRAIN = Percents(unlearning=5.24, retain=100.00, test=94.26, mia_eff=12.88, mia_sfr=0)
SFRON_RETRAIN = Percents(unlearning=100 - 95.62, retain=100.00, test=95.34, mia_eff=0, mia_sfr=74.84)


@pytest.mark.parametrize(
    ("row", "published"),
    [
        ((0.63, 99.88, 94.06, 2.70), 3.78),
        ((7.61, 99.67, 92.83, 37.36), 7.15),
        ((0.69, 99.50, 94.01, 1.70), 4.12),
        ((4.19, 97.74, 91.59, 9.84), 2.26),
        ((2.85, 99.62, 93.93, 14.39), 1.15),
    ],
)
def test_avg_gap_is_the_published_one(row: tuple[float, float, float, float], published: float) -> None:
    unlearning, retain, test, mia = row
    ours = Percents(unlearning=unlearning, retain=retain, test=test, mia_eff=mia, mia_sfr=99)
    assert compute_avg_gap(ours, SALUN_RETRAIN) == pytest.approx(published, abs=0.01)


@pytest.mark.parametrize(
    ("row", "published"),
    [
        ((99.90, 99.99, 94.94, 88.25), 4.52),
        ((93.91, 93.76, 87.00, 77.19), 4.66),
        ((95.99, 99.98, 93.85, 31.44), 11.32),
        ((96.58, 99.88, 94.19, 72.26), 1.20),
    ],
)
def test_avg_d_is_the_published_one(row: tuple[float, float, float, float], published: float) -> None:
    forget, retain, test, mia = row
    ours = Percents(unlearning=100 - forget, retain=retain, test=test, mia_eff=99, mia_sfr=mia)
    assert compute_avg_d(ours, SFRON_RETRAIN) == pytest.approx(published, abs=0.01)


def test_a_pool_has_no_gap_to_itself() -> None:
    assert compute_avg_gap(SALUN_RETRAIN, SALUN_RETRAIN) == compute_avg_d(SALUN_RETRAIN, SALUN_RETRAIN) == 0


def test_sum_adds_four_percents() -> None:
    assert compute_sum(SALUN_RETRAIN) == pytest.approx(5.24 + 12.88 + 100 + 94.26)


@pytest.mark.parametrize("value", [float("nan"), -1.0, 100.5])
@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Percents)])
def test_what_is_no_percent_is_refused(name: str, value: float) -> None:
    with pytest.raises(InvalidPool, match="percents"):
        dataclasses.replace(SALUN_RETRAIN, **{name: value})
