"""How long something takes, as a person would say it."""

MINUTE, HOUR, DAY = 60, 3600, 86400


def show_duration(seconds: float) -> str:
    """Three digits at most; a unit is used from two of it on."""
    if 0 < seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 2 * MINUTE:
        return f"{seconds:.3g} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.1f} h" if seconds < 2 * DAY else f"{seconds / DAY:.0f} d"
