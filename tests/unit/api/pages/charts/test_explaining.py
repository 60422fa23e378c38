import pytest

from api.pages.charts.explaining import Worked, draw_laws
from evaluator.forgetting import compute_points
from evaluator.likeness import Likeness


def test_the_worked_example_is_what_the_evaluator_says() -> None:
    worked = Worked()
    assert worked.points == tuple(compute_points(worked.epsilons, worked.models).tolist())
    quality = Likeness(forget=worked.forget, test=worked.test, retain=worked.retain, memory=worked.memory).quality
    assert worked.score == pytest.approx(quality * worked.retain_kept * worked.test_kept)


def test_one_pair_of_laws_overlaps_and_the_other_does_not() -> None:
    alike, apart = draw_laws()
    assert alike.retrained != apart.retrained
    assert all(path.startswith("M0 92") and path.endswith("Z") for path in (alike.unlearned, apart.unlearned))
