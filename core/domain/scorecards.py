"""What lists need of a scorecard, so that they do not read the whole of it."""

from collections.abc import Mapping
from typing import Any


def summarize(body: Mapping[str, Any]) -> dict[str, Any]:
    """The figures a board shows beside the score, the ceiling, and which flags fired."""
    protocols = body.get("protocols", {})
    return {
        "score_corrected": body.get("score", {}).get("corrected"),
        "neurips2023": protocols.get("neurips2023"),
        "exact": protocols.get("exact"),
        "forgetting_quality": body.get("forgetting_quality"),
        "utility": body.get("utility", {}).get("value"),
        "unlearning_accuracy": body.get("unlearning_accuracy"),
        "retain_accuracy": body.get("retain_accuracy"),
        "test_accuracy": body.get("test_accuracy"),
        "over_budget": bool(body.get("relative_runtime", {}).get("over_budget")),
        "ceiling": body.get("ceiling"),
        "flags": [flag["code"] for flag in body.get("flags") or []],
    }
