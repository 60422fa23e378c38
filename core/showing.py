"""A scorecard as its reader may see it: without what is not for them, and its numbers as coarse as they must be."""

from typing import Any, cast

from pydantic import BaseModel

from core.domain.coarse import begin_share, round_counts, round_down_count, round_figure, round_up_share
from core.domain.commitments import commit
from core.domain.exposure import SCORECARD, Audience, Sight, find_audience, has_parts, may_see, sees_plain
from core.scorecard import MeasuredRuntime, ScorecardRecord

OF_THE_CONTEST = frozenset(
    {"score.level", "relative_runtime.level", "relative_runtime.budget", "decision.alpha"}
)  # exact for everybody


def show_scorecard(record: ScorecardRecord, sight: Sight, key: str | None) -> ScorecardRecord:
    """The record as a reader may see it; key: of the digests of what is hidden, which are empty without one.

    Where the reader sees coarsely, every number that a run decides is rounded or in a bucket.
    """
    shown = cast(ScorecardRecord, _show_part(record, "", sight, key))
    if not sight.is_coarse:
        return shown
    rounded = cast(ScorecardRecord, _round_part(shown, ""))
    total = record.decision.of if record.decision else 0
    changes: dict[str, Any] = {
        "relative_runtime": _coarsen_runtime(shown.relative_runtime),
        "epsilon": rounded.epsilon.model_copy(update={"counts": round_counts(record.epsilon.counts)}),
    }
    if shown.decision is not None:
        after = round_down_count(shown.decision.after, total)
        changes["decision"] = shown.decision.model_copy(update={"after": after})
        changes["replicas"] = shown.replicas.model_copy(update={"unlearned": after})
    return rounded.model_copy(update=changes)


def _round_part(part: BaseModel, prefix: str) -> BaseModel:
    return part.model_copy(update={name: _round_value(value, f"{prefix}{name}") for name, value in part})


def _round_value(value: Any, path: str) -> Any:
    if isinstance(value, BaseModel):
        return _round_part(value, f"{path}.")
    return round_figure(value) if isinstance(value, float) and path not in OF_THE_CONTEST else value


def _coarsen_runtime(runtime: MeasuredRuntime) -> MeasuredRuntime:
    share = round_up_share(runtime.estimate, runtime.budget)
    retrain_seconds = round_figure(runtime.retrain_seconds)
    return runtime.model_copy(
        update=dict.fromkeys(("estimate", "high", "wall", "cpu"), share)
        | {
            "low": begin_share(share, runtime.budget),
            "seconds_per_replica": round_figure(share * retrain_seconds),
            "retrain_seconds": retrain_seconds,
        }
    )


def _show_part(part: BaseModel, prefix: str, sight: Sight, key: str | None) -> BaseModel:
    shown = {name: _show_value(value, f"{prefix}{name}", sight, key) for name, value in part}
    return part.model_copy(update=shown)


def _show_value(value: Any, path: str, sight: Sight, key: str | None) -> Any:
    if isinstance(value, BaseModel):
        return _show_part(value, f"{path}.", sight, key) if _is_any_seen(path, sight) else None
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return tuple(_show_part(item, f"{path}.", sight, key) for item in value) if _is_any_seen(path, sight) else None
    audience = find_audience(SCORECARD, path) or (Audience.ALL if has_parts(SCORECARD, path) else None)
    if not may_see(audience, sight):
        return None
    if audience is Audience.KEYED and not sees_plain(sight):
        return commit(key, value) if key and value else ""
    return value


def _is_any_seen(path: str, sight: Sight) -> bool:
    return any(may_see(seen, sight) for known, seen in SCORECARD.items() if known.startswith(f"{path}."))
