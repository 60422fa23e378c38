"""A line of a board as participants of a hidden problem see it: how coarse is said by `core.domain.leaks`."""

from collections.abc import Mapping
from typing import Any

from core.domain.coarse import begin_share, round_down_count, round_figure, round_up_share
from core.domain.leaderboard import Place, Purpose
from core.scorecard import Ceiling

FIGURES = (
    *("score", "score_low", "score_high", "score_error", "score_corrected", "neurips2023", "exact"),
    *("forgetting_quality", "test_quality", "retain_quality", "balance", "utility"),
    *("unlearning_accuracy", "retain_accuracy", "test_accuracy"),
)


def blur_line(body: Mapping[str, Any], place: Place, *, budget: float) -> dict[str, Any]:
    """What a line stores of an entry. Over the budget nothing was earned, so no figure is told."""
    changes: dict[str, Any] = {name: _round(body[name]) for name in FIGURES}
    if place is Place.OVER_BUDGET:
        changes = dict.fromkeys(FIGURES)
    changes["noise_shared"] = None  # that of every run apart is a channel of its own
    runtime = body["relative_runtime"]
    if runtime is not None and body["purpose"] == Purpose.RANKED:
        share = round_up_share(runtime, budget)
        changes["relative_runtime"] = share
        if body["relative_runtime_low"] is not None:
            changes |= {"relative_runtime_low": begin_share(share, budget), "relative_runtime_high": share}
    if body["decided_early"]:
        changes["scored_replicas"] = round_down_count(body["scored_replicas"], body["replicas_total"])
    return {**body, **changes}


def blur_ceiling(ceiling: Ceiling | None) -> Ceiling | None:
    if ceiling is None:
        return None
    return ceiling.model_copy(update={name: _round(value) for name, value in ceiling})


def _round(value: float | None) -> float | None:
    return None if value is None else round_figure(value)
