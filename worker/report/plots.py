"""The pictures of a whole evaluation: its score, the way the points went, its cost, epsilon against difficulty."""

from collections.abc import Sequence

from markupsafe import Markup

from core.scorecard import MeasuredRuntime, ScorecardRecord
from worker.report.examples import ExampleDetail
from worker.report.rows import Step, list_bucket_steps, list_last_steps
from worker.report.svg import Scale, box, element, line, picture, show_tick, text

WIDTH = 400.0
LABEL_WIDTH = 148.0
ROW_HEIGHT = 24.0
BAR_HEIGHT = 14.0


def plot_score(record: ScorecardRecord) -> Markup:
    """The score and its interval between nothing and one, and the ceiling."""
    score, ceiling = record.score, record.ceiling.estimate
    scale = Scale(0.0, 1.0, 10.0, WIDTH - 10)
    at, low, high, top = (scale(value) for value in (score.estimate, score.low, score.high, ceiling))
    anchor = "end" if top > 0.75 * WIDTH else "start"
    whisker = f"M{low:.1f} 29v14M{low:.1f} 36H{high:.1f}M{high:.1f} 29v14"
    return picture(
        WIDTH,
        72,
        box(scale.start, 30, scale.stop - scale.start, 12, "track"),
        box(scale.start, 30, at - scale.start, 12, "earned"),
        element("path", look="mark", d=whisker),
        line(top, 22, top, 50, "ceiling"),
        text(f"ceiling {ceiling:.3f}", top, 16, anchor=anchor),
        *(text(show_tick(tick), scale(tick), 64, look="soft", anchor="middle") for tick in scale.list_ticks(4)),
        title=f"Score {score.estimate:.3f} of 1, interval {score.low:.3f} to {score.high:.3f}, ceiling {ceiling:.3f}",
    )


def plot_steps(record: ScorecardRecord) -> Markup:
    """How a full point for every forget example shrinks to the score: one row for each reason."""
    steps, last = list_bucket_steps(record), list_last_steps(record)
    quality, score = last[0].before, last[-1].after
    scale = Scale(0.0, max(1.0, *(step.after for step in last)), LABEL_WIDTH, WIDTH - 52)
    rows = [
        _draw_total("a full point each", 1.0, scale),
        *(_draw_step(step, scale) for step in steps),
        _draw_total("forgetting quality", quality, scale),
        *(_draw_step(step, scale) for step in last),
        _draw_total("score", score, scale),
    ]
    bottom = 6 + ROW_HEIGHT * len(rows)
    ticks = list(scale.list_ticks(4))
    return picture(
        WIDTH,
        bottom + 20,
        *(line(scale(tick), 4, scale(tick), bottom, "grid") for tick in ticks),
        *(element("g", row, transform=f"translate(0 {6 + ROW_HEIGHT * place:g})") for place, row in enumerate(rows)),
        *(text(show_tick(tick), scale(tick), bottom + 14, look="soft", anchor="middle") for tick in ticks),
        title=f"From 1 to the forgetting quality {quality:.3f} bucket by bucket, and step by step to the score "
        f"{score:.3f}",
    )


def _draw_total(label: str, value: float, scale: Scale) -> Markup:
    return Markup("").join([
        text(label, 0, 15),
        box(scale.start, 4, scale(value) - scale.start, BAR_HEIGHT, "earned"),
        text(f"{value:.3f}", WIDTH, 15, anchor="end"),
    ])  # fmt: skip


def _draw_step(step: Step, scale: Scale) -> Markup:
    start, stop = sorted((scale(step.before), scale(step.after)))
    change = step.after - step.before
    shown = "0" if abs(change) < 0.0005 else f"{change:+.3f}".replace("-", "−")
    width = max(stop - start, 1.0) if change else 0.0
    return Markup("").join([
        text(step.label, 0, 15),
        text(step.note, LABEL_WIDTH - 8, 15, look="soft", anchor="end", size=10),
        box(start, 4, width, BAR_HEIGHT, "lost" if change < 0 else "earned"),
        text(shown, WIDTH, 15, look="soft", anchor="end"),
    ])  # fmt: skip


def plot_share(value: float, *, end: float, mark: float) -> Markup:
    """A bar beside its number in a table, with a line where it would be even."""
    scale = Scale(0.0, end, 0.0, 100.0)
    return picture(
        102,
        16,
        box(0, 3, 100, 10, "track"),
        box(0, 3, scale(value), 10, "lost" if value > end else "earned"),
        line(scale(mark), 0, scale(mark), 16, "axis"),
    )


def plot_runtime(runtime: MeasuredRuntime) -> Markup:
    """What the gate reads, and both clocks, against the budget, as shares of one retraining."""
    budget, names = runtime.budget, ("what the gate reads", "processor time", "wall clock")
    values = (runtime.estimate, runtime.cpu, runtime.wall)
    looks = ("lost" if runtime.over_budget else "earned", "plain", "plain")
    scale = Scale(0.0, max(2 * budget, *(1.1 * value for value in values)), LABEL_WIDTH, WIDTH - 52)
    gate, rows = scale(budget), []
    for place, (name, value, look) in enumerate(zip(names, values, looks, strict=True)):
        top = 22 + ROW_HEIGHT * place
        rows += [
            text(name, 0, top + 11),
            box(scale.start, top, scale(value) - scale.start, BAR_HEIGHT, look),
            text(f"{100 * value:.1f} %", WIDTH, top + 11, anchor="end"),
        ]
    said = ", ".join(f"{name} {100 * value:.1f} %" for name, value in zip(names, values, strict=True))
    return picture(
        WIDTH,
        98,
        *rows,
        line(gate, 16, gate, 96, "ceiling"),
        text(f"budget {100 * budget:.0f} %", gate, 12, anchor="middle"),
        title=f"Shares of one retraining: {said}, budget {100 * budget:.0f} %",
    )


def plot_difficulty(detail: ExampleDetail) -> Markup:
    """One dot for each forget example: how sure retrained models are of it, and how well it is told apart."""
    x = _fit(detail.difficulty.tolist(), 44, WIDTH - 12)
    y = _fit([0.0, *detail.epsilons.tolist()], 246, 12)
    numbers = {(float(d), float(e)) for d, e in zip(detail.difficulty, detail.epsilons, strict=True)}
    dots = [element("circle", look="dot", cx=x(d), cy=y(e), r=3.5) for d, e in sorted(numbers)]
    rings = [
        element("circle", look="mark", cx=x(float(shown.retrained.mean())), cy=y(shown.epsilon), r=6)
        for shown in detail.shown
    ]
    return picture(
        WIDTH,
        286,
        *(line(x.start, y(tick), x.stop, y(tick), "grid") for tick in y.list_ticks()),
        *(text(show_tick(tick), x.start - 6, y(tick) + 4, look="soft", anchor="end") for tick in y.list_ticks()),
        *(text(show_tick(tick), x(tick), 262, look="soft", anchor="middle") for tick in x.list_ticks(6)),
        line(x.start, y.start, x.stop, y.start, "axis"),
        *dots,
        *rings,
        text("mean confidence of the retrained models (right: easy)", (x.start + x.stop) / 2, 280, anchor="middle"),
        element(
            "g",
            text("epsilon", 0, 0, anchor="middle"),
            transform=f"translate(12 {(y.start + y.stop) / 2:g}) rotate(-90)",
        ),
        title=f"Epsilon of {len(detail.epsilons)} forget examples against the mean confidence of the retrained models",
    )


def _fit(values: Sequence[float], start: float, stop: float) -> Scale:
    low, high = min(values), max(values)
    room = 0.05 * (high - low)
    if high - low < 1e-3:
        low, high, room = low - 0.5, high + 0.5, 0.0
    return Scale(0.0 if low == 0 else low - room, high + room, start, stop)
