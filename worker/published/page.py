"""The scores of two published pools as one HTML file that needs nothing beside it."""

from collections.abc import Sequence

from worker.published.record import PublishedScore
from worker.report.templating import make_environment

BARS = 20

KLOM_TEXT = {
    "klom": "KL(unlearned ‖ retrained), 20 bins, as published in 2026",
    "klom_b25": "KL(retrained ‖ unlearned), 20 bins, as executed in 2025",
    "klom_d24": "KL(unlearned ‖ retrained), 19 bins, as published in 2024",
    "klom_oracle_bins": "our own: bins that no unlearned model can move",
}


def render_published_report(record: PublishedScore, *, title: str) -> str:
    environment = make_environment(number=_show_number)
    epsilons = record.protocols[record.ranked_by].epsilon.per_example
    return environment.get_template("published.html").render(
        record=record, title=title, bars=count_bars(epsilons), klom_text=KLOM_TEXT
    )


def count_bars(epsilons: Sequence[float]) -> list[tuple[float, int]]:
    """How many epsilons begin at each half nat; the last bar holds all beyond."""
    counts = [0] * BARS
    for epsilon in epsilons:
        counts[min(int(epsilon / 0.5), BARS - 1)] += 1
    last = max((place for place, count in enumerate(counts) if count), default=0)
    return [(0.5 * place, count) for place, count in enumerate(counts[: last + 1])]


def _show_number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")
