"""Examples, pools and scorecards for tests of the report."""

from typing import Any

import numpy as np

from core.scorecard import ScorecardRecord, parse_scorecard
from evaluator import Attack, EpsilonOptions
from evaluator.explain import Region, Side
from tests.tiny_problems import make_tiny_spec
from worker.problems import LoadedProblem, load_problem
from worker.report.examples import ExampleDetail, ShownExample, describe_examples

PIXEL = "data:image/png;base64,AAAA"


def make_body(**changes: Any) -> dict[str, Any]:
    """The scorecard of 40 forget examples as it is stored; every number follows from the others."""
    counts, points = [20, 10, 0, 10], [1.0, 0.5, 0.25, 0.0]
    quality = sum(count * worth for count, worth in zip(counts, points, strict=True)) / 40
    utility = {"value": 0.5 * 0.9, "retain_ratio": 0.9, "test_ratio": 0.5}
    score = quality * utility["value"]
    return {
        "version": 2,
        "metric_version": "lacuna-2",
        "protocol": "held_out",
        "score": {"estimate": score, "low": score - 0.02, "high": score + 0.02, "level": 0.95, "corrected": 0.271},
        "protocols": {"held_out": score, "neurips2023": 0.021, "exact": 0.011},
        "ceiling": {"estimate": 0.973, "low": 0.95, "high": 0.99, "neurips2023": 0.177, "exact": 0.052},
        "forgetting_quality": quality,
        "utility": utility,
        "accuracy": {
            "unlearned": {"retain": 0.9, "forget": 0.6, "test": 0.45},
            "retrained": {"retain": 1.0, "forget": 0.5, "test": 0.9},
        },
        "unlearning_accuracy": 40.0,
        "retain_accuracy": 90.0,
        "test_accuracy": 45.0,
        "relative_runtime": {
            "estimate": 0.107,
            "low": 0.10,
            "high": 0.11,
            "wall": 0.213,
            "cpu": 0.092,
            "gate": "cpu",
            "budget": 0.1,
            "over_budget": True,
            "seconds_per_replica": 0.068,
            "retrain_seconds": 0.302,
        },
        "epsilon": {
            "edges": [0.0, 0.5, 1.0, 1.5],
            "points": points,
            "counts": counts,
            "median": 0.31,
            "per_example": [round(1.8 - 0.045 * place, 3) for place in range(40)],
            "lower": [round(0.9 - 0.0225 * place, 4) for place in range(40)],
            "mu": [round(0.01 * place, 3) for place in range(40)],
            "attack": ["half_line", "interval"] * 20,
        },
        "replicas": {"unlearned": 32, "retrained": 48, "control": 48, "originals": 1},
        "provenance": {
            "evaluation_id": "e" * 36,
            "spec_digest": "",
            "source_digest": "",
            "problem_digest": "b" * 64,
            "manifest_digest": "c" * 64,
            "pool_digests": {"original": "1" * 64, "retrained": "2" * 64, "control": "3" * 64},
            "calibrations": [],
            "sandbox": "bubblewrap",
            "node_class": "cpu",
            "versions": {"torch": "2.13.0"},
        },
        **changes,
    }


def make_record(**changes: Any) -> ScorecardRecord:
    return parse_scorecard(make_body(**changes))


def make_example(**changes: Any) -> ShownExample:
    values: dict[str, Any] = {
        "rank": 1,
        "example_id": 1234,
        "label": "seven",
        "clean_label": "seven",
        "image": PIXEL,
        "text": "",
        "epsilon": 1.5,
        "lower": 0.7,
        "mu": 1.25,
        "region": Region(Attack.half_line, Side.unlearned, ((0.5, np.inf),), 0.25, 0.125),
        "unlearned": np.linspace(0.0, 4.0, 32),
        "retrained": np.linspace(-3.0, 1.0, 48),
        **changes,
    }
    return ShownExample(**values)


def make_detail(**changes: Any) -> ExampleDetail:
    rng = np.random.default_rng(0)
    values: dict[str, Any] = {
        "hardest": (make_example(), make_example(rank=2, example_id=77, clean_label="one")),
        "easiest": (make_example(rank=40, example_id=5, epsilon=0.0),),
        "between": (),
        "epsilons": rng.uniform(0, 2, 40),
        "difficulty": rng.normal(2, 1, 40),
        **changes,
    }
    return ExampleDetail(**values)


def describe_tiny() -> tuple[LoadedProblem, ScorecardRecord, ExampleDetail]:
    """The detail of a real problem's 40 forget examples under made-up pools."""
    problem, record = load_problem(make_tiny_spec()), make_record()
    rng = np.random.default_rng(1)
    pools = rng.normal(2.0, 1.0, (32, 40)), rng.normal(0.0, 1.0, (48, 40))
    return problem, record, describe_examples(problem, record, *pools, options=EpsilonOptions())
