"""What a scorecard holds, as it is stored: every field with a value that a reader would believe."""

from typing import Any

from core.domain.scorecard_forms import FORM


def make_scorecard_body(score: float = 0.5, *, runtime: float = 0.05, half_width: float = 0.03) -> dict[str, Any]:
    counts = [max(int(40 * (1 - abs(place / 12 - (1 - score)))), 0) for place in range(13)]
    shares = {"retain": 0.95, "forget": 0.86, "test": 0.9}
    body: dict[str, Any] = {
        "version": FORM,
        "metric_version": "1",
        "protocol": "held_out",
        "score": {
            "estimate": score,
            "low": max(score - half_width, 0.0),
            "high": min(score + half_width, 1.0),
            "level": 0.95,
            "corrected": round(score * 0.97, 4),
        },
        "protocols": {"held_out": score, "neurips2023": score / 6, "exact": score / 5},
        "ceiling": {"estimate": 0.98, "low": 0.96, "high": 0.99, "neurips2023": 0.176, "exact": 0.2},
        "forgetting_quality": min(score * 1.02, 1.0),
        "utility": {"value": 0.98, "retain_ratio": 0.99, "test_ratio": 0.99},
        "accuracy": {"unlearned": shares, "retrained": shares},
        "unlearning_accuracy": 14.0,
        "retain_accuracy": 95.0,
        "test_accuracy": 90.0,
        "relative_runtime": {
            "estimate": runtime,
            "low": runtime * 0.9,
            "high": runtime * 1.1,
            "wall": runtime,
            "cpu": runtime,
            "budget": 0.1,
            "over_budget": runtime > 0.1,
            "seconds_per_replica": runtime * 1.5,
            "retrain_seconds": 1.5,
        },
        "epsilon": {
            "edges": [0.5 * place for place in range(13)],
            "points": [2.0**-place for place in range(13)],
            "counts": counts,
            "median": round(4 * (1 - score), 3),
            "per_example": [round(4 * (1 - score), 3)] * 4,
            "lower": [0.1] * 4,
            "attack": ["half_line"] * 4,
        },
        "replicas": {"unlearned": 256, "retrained": 256, "control": 256, "originals": 1},
        "provenance": {
            "spec_digest": "a" * 64,
            "problem_digest": "b" * 64,
            "manifest_digest": "c" * 64,
            "source_digest": "d" * 64,
            "evaluation_id": "e" * 36,
            "pool_digests": {"original": "1" * 64, "retrained": "2" * 64, "control": "3" * 64},
            "calibrations": ["f" * 36],
            "sandbox": "bubblewrap",
            "node_class": "cpu",
            "versions": {"python": "3.11", "torch": "2.13.0"},
        },
    }
    return body


def make_metric(metric_id: str = "ua", **changes: Any) -> dict[str, Any]:
    """One metric of a scorecard as it is stored."""
    return {
        "id": metric_id,
        "name": metric_id.upper(),
        "group": "accuracy",
        "unit": "percent",
        "better": "closer to retrained",
        "variant": "",
        "source": "SalUn 2024",
        "value": 14.09,
        "standard_error": None,
        "interval": None,
        "models": 256,
        "retrained": None,
        "retrained_standard_error": None,
        "originals_per_run": 1,
        "note": "",
        **changes,
    }
