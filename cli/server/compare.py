"""`lacuna compare`: two submissions side by side."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.show.console import make_console, print_json
from cli.show.numbers import show_interval
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import choose_submission, open_client
from cli.show.tables import make_table
from core.domain.errors import InvalidInput

BAR = 24  # letters that the fullest bucket of epsilon takes
DIGITS = {"percent": 1, "percent points": 1, "models": 0}
BRIEF = 20  # metrics shown without --all; the variants of KLOM come last
FirstArgument = Annotated[
    str, typer.Argument(metavar="A", help="A submission's id, or its last letters.", show_default=False)
]
SecondArgument = Annotated[str, typer.Argument(metavar="B", help="Another one's, to the same competition.")]


def compare(
    a: FirstArgument,
    b: SecondArgument,
    everything: Annotated[bool, typer.Option("--all", help="Every metric, with all variants.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Put two scored submissions side by side: is their difference more than noise?"""
    with open_client(url) as client:
        one, other = (choose_submission(client, each) for each in (a, b))
        if one == other:
            raise InvalidInput("these are one submission; name another one to compare it with")
        found = client.compare(client.get_submission(one)["competition"], one, other)
    if as_json:
        print_json(found)
    else:
        make_console().print(render_comparison(found, everything=everything))


def render_comparison(found: Mapping[str, Any], *, everything: bool = True) -> RenderableType:
    metrics = found["metrics"] if everything else found["metrics"][:BRIEF]
    parts: list[RenderableType] = [_list_sides(found), Text(_conclude(found)), Text(), _list_metrics(metrics)]
    if len(metrics) < len(found["metrics"]):
        parts.append(Text(f"{len(found['metrics']) - len(metrics)} more with --all", style="dim"))
    if found["epsilons"]:
        parts += [Text(), _draw_epsilons(found["epsilons"])]
    return Group(*parts)


def _list_sides(found: Mapping[str, Any]) -> Table:
    table = make_table(show_header=False)
    for side in ("a", "b"):
        view = found[side]
        score = show_interval(view["score"]["estimate"], view["score"]["low"], view["score"]["high"])
        table.add_row(Text(side.upper(), style="bold"), score, Text(view["filename"]), Text(view["note"], style="dim"))
    return table


def _conclude(found: Mapping[str, Any]) -> str:
    if found["difference"] is None:
        return str(found["detail"])
    error = "" if found["difference_error"] is None else f" ± {found['difference_error']:.3f} (one standard error)"
    return f"{found['detail']}; B − A {_show_signed(found['difference'])}{error}"


def _list_metrics(metrics: list[Mapping[str, Any]]) -> Table:
    table = make_table()
    table.add_column("metric", no_wrap=True)
    for name in ("A", "B", "B − A"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("better is", style="dim")
    for metric in metrics:
        digits = DIGITS.get(metric["unit"], 3)
        unit = "" if metric["unit"] in ("fraction", "models") else f", {metric['unit']}" if metric["unit"] else ""
        values = (
            _show_metric(metric["a"], digits),
            _show_metric(metric["b"], digits),
            _show_signed(metric["difference"], digits),
        )
        table.add_row(metric["name"] + unit, *values, metric["better"] or "–")
    return table


def _draw_epsilons(epsilons: Mapping[str, Any]) -> Table:
    """Back to back: A's forget examples grow to the left, B's to the right."""
    table = make_table()
    table.add_column("A", justify="right", no_wrap=True)
    table.add_column("epsilon", justify="right", no_wrap=True)
    table.add_column("B", no_wrap=True)
    most = max([*epsilons["a"], *epsilons["b"], 1])
    for edge, one, other in zip(epsilons["edges"], epsilons["a"], epsilons["b"], strict=True):
        left, right = ("█" * round(BAR * count / most) for count in (one, other))
        table.add_row(f"{one} {left}", f"{edge:g}", f"{right} {other}")
    return table


def _show_metric(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _show_signed(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "–"
    shown = f"{value:+.{digits}f}"
    return shown[1:] if not float(shown) else shown.replace("-", "−")  # what rounds to nothing has no sign
