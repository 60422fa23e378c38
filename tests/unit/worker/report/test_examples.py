import numpy as np
import pytest

from core.domain.chosen_examples import BEST, WORST
from core.scorecard import parse_scorecard
from evaluator import Attack, EpsilonOptions
from tests.tiny_problems import make_tiny_spec
from tests.unit.worker.reports import describe_tiny, make_body, make_record
from worker.problems import load_problem
from worker.report.examples import describe_examples


def test_the_worst_and_the_best_forgotten_are_picked_in_order() -> None:
    _, record, detail = describe_tiny()
    assert [shown.rank for shown in detail.shown] == [1, 2, 3, 4, 5, 6, 38, 39, 40]
    assert (len(detail.hardest), len(detail.easiest)) == (WORST, BEST)
    epsilons = [shown.epsilon for shown in detail.shown]
    assert epsilons == sorted(record.epsilon.per_example or (), reverse=True)[:6] + epsilons[6:]
    assert epsilons[6:] == sorted(record.epsilon.per_example or (), reverse=True)[-3:]


def test_an_example_carries_its_own_picture_label_and_values() -> None:
    problem, record, detail = describe_tiny()
    first = detail.hardest[0]  # the epsilons fall with the column
    assert first.example_id == problem.splits.forget.ids[0]
    assert first.label == problem.class_names[int(problem.splits.forget.y[0])]
    assert record.epsilon.lower
    assert record.epsilon.mu
    assert (first.lower, first.mu) == (record.epsilon.lower[0], record.epsilon.mu[0])
    assert first.image.startswith("data:image/png;base64,")
    assert first.region.attack is Attack.half_line
    assert len(first.unlearned) == 32


def test_label_noise_is_told_from_the_label() -> None:
    problem = load_problem(make_tiny_spec(split={"label_noise": 0.9}))
    noisy = problem.clean_forget_y != problem.splits.forget.y
    assert 0.5 < noisy.mean() < 1
    clean = load_problem(make_tiny_spec(split={"label_noise": 0.0}))
    assert np.array_equal(clean.clean_forget_y, clean.splits.forget.y)


@pytest.mark.parametrize("count", [1, 5, 7, 8])
def test_few_examples_are_all_shown_once(count: int) -> None:
    problem, body = load_problem(make_tiny_spec()), make_body()
    for name in ("per_example", "lower", "mu", "attack"):
        body["epsilon"][name] = body["epsilon"][name][:count]
    pools = np.random.default_rng(0).normal(size=(2, 16, count))
    detail = describe_examples(problem, parse_scorecard(body), *pools, options=EpsilonOptions())
    assert sorted(shown.rank for shown in detail.shown) == list(range(1, count + 1))


def test_a_scorecard_without_mu_can_be_shown() -> None:
    problem, body = load_problem(make_tiny_spec()), make_body()
    del body["epsilon"]["mu"]
    pools = np.random.default_rng(0).normal(size=(2, 16, 40))
    assert describe_examples(problem, parse_scorecard(body), *pools, options=EpsilonOptions()).hardest[0].mu is None


def test_difficulty_is_the_mean_confidence_of_the_retrained_models() -> None:
    problem, record = load_problem(make_tiny_spec()), make_record()
    retrained = np.tile(np.arange(40.0), (16, 1))
    detail = describe_examples(problem, record, retrained + 1, retrained, options=EpsilonOptions())
    assert np.array_equal(detail.difficulty, np.arange(40.0))
