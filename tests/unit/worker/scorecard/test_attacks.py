import numpy as np
import pytest

from core.problem_files import find_problem
from evaluator import METRIC_VERSION, Attack, ScoringProtocol, compute_epsilons
from worker.scorecard.attacks import describe_attacks
from worker.scorecard.scored import make_scoring_spec


def make_pools(models: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits that differ in the second class only, and confidences that do not differ."""
    rng = np.random.default_rng(0)
    confidences = rng.normal(size=(2, models, 4))
    logits = rng.normal(size=(2, models, 4, 3))
    logits[0, ..., 1] += 3.0
    return confidences, logits


def test_every_family_is_listed_with_the_examples_it_won_and_its_median_alone() -> None:
    confidences, logits = make_pools(60)
    ranked = compute_epsilons(*confidences)
    lines = {line.attack: line for line in describe_attacks(ranked, tuple(confidences), tuple(logits))}
    assert sum(line.won for line in lines.values()) == 4
    assert set(lines) == {
        "half_line",
        "interval",
        "complement",
        "likelihood_ratio",
        "kernel_density",
        "logistic_regression",
    }
    assert (lines["logistic_regression"].median_epsilon or 0) > 1.5
    assert (lines["half_line"].median_epsilon or 9) < 0.7


def test_the_medians_are_those_of_the_ranking_rules_own_folds() -> None:
    confidences, logits = make_pools(60)
    confidences[0] += 1.0
    ranked = compute_epsilons(*confidences, attacks=[Attack.half_line], seed=3)
    lines = {line.attack: line for line in describe_attacks(ranked, tuple(confidences), tuple(logits))}
    assert lines["half_line"].model_dump() == {
        "attack": "half_line",
        "won": 4,
        "median_epsilon": pytest.approx(np.median(ranked.estimate)),
    }


def test_a_rule_of_2023_wins_by_its_own_names_too() -> None:
    confidences, logits = make_pools(60)
    confidences[0] = 1.5
    ranked = compute_epsilons(*confidences, protocol=ScoringProtocol.neurips2023)
    lines = {line.attack: line for line in describe_attacks(ranked, tuple(confidences), tuple(logits))}
    assert lines["range_guard"].model_dump() == {"attack": "range_guard", "won": 4, "median_epsilon": None}


def test_a_wrong_class_at_minus_infinity_is_no_obstacle() -> None:
    confidences, logits = make_pools(20)
    logits[0, 3, 1, 2] = -np.inf
    lines = describe_attacks(compute_epsilons(*confidences), tuple(confidences), tuple(logits))
    assert lines[-1].attack == "logistic_regression"
    assert np.isfinite(lines[-1].median_epsilon or np.nan)


def test_two_models_are_described_without_a_regression() -> None:
    confidences, logits = make_pools(2)
    lines = describe_attacks(compute_epsilons(*confidences), tuple(confidences), tuple(logits))
    assert "logistic_regression" not in {line.attack for line in lines}


def test_a_problem_chooses_the_families_that_rank() -> None:
    rules = find_problem("digits").evaluation
    chosen = rules.model_copy(update={"attacks": ["kernel_density", "half_line"]})
    assert make_scoring_spec(rules, METRIC_VERSION).epsilon.attacks == (
        "half_line",
        "interval",
        "complement",
        "likelihood_ratio",
    )
    assert make_scoring_spec(chosen, METRIC_VERSION).epsilon.attacks == (Attack.half_line, Attack.kernel_density)
