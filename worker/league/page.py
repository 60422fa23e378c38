"""A league as one HTML page: the figure of score against runtime, the table, and links to every report."""

from markupsafe import Markup

from worker.league.table import LeagueTable, TableRow
from worker.league.texts import explain, show_cell
from worker.report.svg import Scale, element, line, picture, show_tick, text
from worker.report.templating import make_environment

WIDTH, HEIGHT = 760.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 560.0, 16.0, 376.0
NAMES, NAME_HEIGHT = 580.0, 13.0  # names stand beside the figure, each joined to its point


def render_page(table: LeagueTable) -> str:
    environment = make_environment()
    return environment.get_template("league.html").render(
        table=table, figure=draw_figure(table), show_cell=show_cell, note=explain(table)
    )


def draw_figure(table: LeagueTable) -> Markup | None:
    """Score against relative runtime, both with their intervals; None where nothing was scored."""
    points = [row for row in table.rows if {"score", "relative_runtime"} <= row.cells.keys()]
    if not points:
        return None
    ceiling = next((row.cells["score"].value for row in table.rows if row.is_reference and "score" in row.cells), None)
    x = Scale(0.0, max(1.5 * 100 * table.budget, *map(_find_runtime, points)), LEFT, RIGHT)
    y = Scale(0.0, max(0.05, *(row.cells["score"].high or row.cells["score"].value for row in points)), BOTTOM, TOP)
    budget = x(100 * table.budget)
    parts = [
        *(line(LEFT, y(tick), RIGHT, y(tick), "grid") for tick in y.list_ticks()),
        *(text(show_tick(tick), LEFT - 6, y(tick) + 4, look="soft", anchor="end") for tick in y.list_ticks()),
        *(text(show_tick(tick), x(tick), BOTTOM + 18, look="soft", anchor="middle") for tick in x.list_ticks(6)),
        line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"),
        line(budget, TOP, budget, BOTTOM, "ceiling"),
        text("budget", budget, TOP - 4, look="soft", anchor="middle", size=10),
        text("relative runtime, % of one retraining", (LEFT + RIGHT) / 2, BOTTOM + 38, anchor="middle"),
        *(_draw_point(row, x, y) for row in points),
        *_draw_names(points, x, y),
    ]
    said = "" if ceiling is None else f"; retrained models score {ceiling:.3f}"
    return picture(WIDTH, HEIGHT, *parts, title=f"Score against relative runtime of {len(points)} methods{said}")


def _find_runtime(row: TableRow) -> float:
    return min(1.1 * row.cells["relative_runtime"].value, 150.0)


def _draw_point(row: TableRow, x: Scale, y: Scale) -> Markup:
    score, runtime = row.cells["score"], row.cells["relative_runtime"]
    at_x, at_y = x(max(runtime.value, 0.0)), y(score.value)
    bars = []
    if score.low is not None and score.high is not None:
        bars.append(line(at_x, y(score.low), at_x, y(score.high), "axis"))
    if runtime.low is not None and runtime.high is not None:
        bars.append(line(x(max(runtime.low, 0.0)), at_y, x(runtime.high), at_y, "axis"))
    look = "plain" if row.mark else "dot"
    return Markup("").join([*bars, element("circle", look=look, cx=at_x, cy=at_y, r=4)])


def _draw_names(points: list[TableRow], x: Scale, y: Scale) -> list[Markup]:
    """From the best down, none over another; at the lower edge they are pushed up again."""
    ordered = sorted(points, key=lambda row: -row.cells["score"].value)
    places: list[float] = []
    for row in ordered:
        places.append(max(y(row.cells["score"].value) + 4, places[-1] + NAME_HEIGHT if places else TOP))
    limit = HEIGHT - 6
    for place in reversed(range(len(places))):
        places[place] = min(places[place], limit)
        limit = places[place] - NAME_HEIGHT
    drawn = []
    for row, at in zip(ordered, places, strict=True):
        start = x(max(row.cells["relative_runtime"].value, 0.0)) + 6
        drawn += [
            line(start, y(row.cells["score"].value), NAMES - 4, at - 4, "grid"),
            text(row.name, NAMES, at, look="soft" if row.mark else "label", size=11),
        ]
    return drawn
