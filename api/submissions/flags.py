"""A scorecard's flags as a submission tells them; core/domain/exposure.py says how much of them."""

from api.submissions.schemas import FlagView
from core.scorecard import ScorecardRecord


def make_flag_views(record: ScorecardRecord) -> list[FlagView] | None:
    """None for a scorecard from before there were flags."""
    if record.flags is None:
        return None
    return [
        FlagView(code=flag.code, severity=flag.severity, value=flag.value, threshold=flag.threshold, detail=flag.detail)
        for flag in record.flags
    ]
