"""How numbers are written in every table: the same digits everywhere, a dash for what is not there."""


def show_score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def show_interval(estimate: float | None, low: float | None, high: float | None) -> str:
    """A score with the longer half of its interval: near 0 and 1 the two halves differ."""
    if estimate is None or low is None or high is None:
        return show_score(estimate)
    return f"{estimate:.3f} ± {max(estimate - low, high - estimate):.3f}"


def show_chance(probability: float | None) -> str:
    """Never 100 %: a probability is not a proof."""
    if probability is None:
        return "–"
    return "> 99 %" if probability > 0.995 else f"{100 * probability:.0f} %"


def show_time(moment: str) -> str:
    """A time of the API, to the minute."""
    return f"{moment[:16].replace('T', ' ')} UTC"


def show_count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def show_percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def show_points(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:.1f}"
