"""How much of a scorecard's flags a caller may see; docs/flags.md says why."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

_OPEN_FIELDS = ("code", "severity")  # a value would let its author stay just below the threshold


class FlagView(BaseModel):
    code: str = Field(description="which check fired: docs/flags.md")
    severity: str = Field(description="notice, suspicious or strong")
    value: float | None = Field(None, description="null on hidden problems, for participants")
    threshold: float | None = None
    detail: str | None = None


def hide_flag_values(body: Mapping[str, Any]) -> dict[str, Any]:
    """A scorecard's body with no more of its flags than that they are there."""
    kept = {name: value for name, value in body.items() if name != "flag_checks"}
    if "flags" in kept:
        kept["flags"] = [{name: flag[name] for name in _OPEN_FIELDS} for flag in kept["flags"]]
    return kept


def make_flag_views(body: Mapping[str, Any]) -> list[FlagView] | None:
    """None for a scorecard from before there were flags."""
    return [FlagView(**flag) for flag in body["flags"]] if "flags" in body else None
