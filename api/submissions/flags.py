"""How much of a scorecard's flags a caller may see; docs/flags.md says why."""

from api.submissions.schemas import FlagView
from core.scorecard import RaisedFlag, ScorecardRecord


def hide_flag_values(record: ScorecardRecord) -> ScorecardRecord:
    """No more of its flags than that they are there: a value would let its author stay just below the threshold."""
    raised = record.flags
    bare = None if raised is None else tuple(RaisedFlag(code=flag.code, severity=flag.severity) for flag in raised)
    return record.model_copy(update={"flags": bare, "flag_checks": None})


def make_flag_views(record: ScorecardRecord) -> list[FlagView] | None:
    """None for a scorecard from before there were flags."""
    if record.flags is None:
        return None
    return [
        FlagView(code=flag.code, severity=flag.severity, value=flag.value, threshold=flag.threshold, detail=flag.detail)
        for flag in record.flags
    ]
