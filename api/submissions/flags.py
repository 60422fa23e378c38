"""How much of a scorecard's flags a caller may see; docs/flags.md says why."""

from collections.abc import Mapping
from typing import Any

from api.submissions.schemas import FlagView

_OPEN_FIELDS = ("code", "severity")  # a value would let its author stay just below the threshold


def hide_flag_values(body: Mapping[str, Any]) -> dict[str, Any]:
    """A scorecard's body with no more of its flags than that they are there."""
    kept = {name: value for name, value in body.items() if name != "flag_checks"}
    if "flags" in kept:
        kept["flags"] = [{name: flag[name] for name in _OPEN_FIELDS} for flag in kept["flags"]]
    return kept


def make_flag_views(body: Mapping[str, Any]) -> list[FlagView] | None:
    """None for a scorecard from before there were flags."""
    return [FlagView(**flag) for flag in body["flags"]] if "flags" in body else None
