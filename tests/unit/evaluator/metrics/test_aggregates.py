import dataclasses

import numpy as np
import pytest

from evaluator import InvalidPool
from evaluator.metrics.aggregates import (
    AggregateInterval,
    ModelPercents,
    Percents,
    compute_avg_d,
    compute_avg_d_interval,
    compute_avg_gap,
    compute_avg_gap_interval,
    compute_sum,
    compute_sum_interval,
)

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


def draw_percents(rng: np.random.Generator, means: tuple[float, ...], models: int = 40) -> ModelPercents:
    """Models whose percents move together, MIA-eff of the first sixteen only."""
    common = rng.normal(size=models)
    columns = [mean + common + rng.normal(size=models) for mean in means]
    return ModelPercents(columns[0], columns[1], columns[2], columns[3][:16], columns[4])


RETRAIN = (6.0, 90.0, 80.0, 13.0, 75.0)


@pytest.mark.parametrize("gaps", [(0, 0, 0, 0, 0), (0.3, 0, 0.2, 0, 1), (4, 1, 3, 10, 9)])
@pytest.mark.parametrize("compute", [compute_avg_gap_interval, compute_avg_d_interval])
def test_the_interval_of_a_gap_covers_the_gap_of_the_true_means(compute, gaps: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    chosen = (0, 1, 2, 3) if compute is compute_avg_gap_interval else (0, 1, 2, 4)
    truth = float(np.mean([abs(gaps[place]) for place in chosen]))
    moved = tuple(mean + gap for mean, gap in zip(RETRAIN, gaps, strict=True))
    found = [compute(draw_percents(rng, moved), draw_percents(rng, RETRAIN)) for _ in range(300)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.92
    assert np.mean([one.high - one.low for one in found]) < 2.5


def test_the_interval_of_a_sum_covers_about_its_level() -> None:
    rng = np.random.default_rng(1)
    found = [compute_sum_interval(draw_percents(rng, RETRAIN)) for _ in range(300)]
    truth = RETRAIN[0] + RETRAIN[1] + RETRAIN[2] + RETRAIN[3]
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99


def test_by_hand_two_models_of_which_one_metric_differs() -> None:
    """UA 4 and 6 against 0 and 0: error sqrt(1) / 4, t quantile of one degree 12.706; the noise folded over is nil."""
    flat = (50.0, 50.0)
    ours = ModelPercents((4.0, 6.0), flat, flat, flat, flat)
    theirs = ModelPercents((0.0, 0.0), flat, flat, flat, flat)
    assert compute_avg_gap_interval(ours, theirs) == AggregateInterval(
        0.0, pytest.approx(1.25 + 3.1766, abs=1e-3), 0.25
    )


def test_models_without_any_spread_have_an_interval_without_width() -> None:
    ours = ModelPercents(*[(value, value) for value in (5.0, 90.0, 80.0, 10.0, 70.0)])
    theirs = ModelPercents(*[(value, value) for value in (6.0, 90.0, 80.0, 13.0, 75.0)])
    assert compute_avg_gap_interval(ours, theirs) == AggregateInterval(1.0, 1.0, 0.0)
    assert compute_avg_d_interval(ours, theirs) == AggregateInterval(1.5, 1.5, 0.0)
    assert compute_sum_interval(ours) == AggregateInterval(185.0, 185.0, 0.0)


@pytest.mark.parametrize("values", [(5.0,), (5.0, 101.0), (5.0, float("nan")), ()])
def test_an_interval_of_what_is_no_pool_of_percents_is_refused(values: tuple[float, ...]) -> None:
    good = (5.0, 6.0)
    with pytest.raises(InvalidPool):
        compute_sum_interval(ModelPercents(good, good, good, values, good))
