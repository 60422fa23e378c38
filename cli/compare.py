"""`lacuna compare`: two submissions side by side."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.console import make_console, print_json
from cli.numbers import show_interval, show_points, show_score
from cli.remote import UrlOption, open_client
from cli.validate import JsonOption

BAR = 24  # letters that the fullest bucket of epsilon takes
FirstArgument = Annotated[str, typer.Argument(metavar="A", help="A submission's id.", show_default=False)]
SecondArgument = Annotated[str, typer.Argument(metavar="B", help="Another one's, to the same competition.")]


def compare(a: FirstArgument, b: SecondArgument, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Put two scored submissions side by side: is their difference more than noise?"""
    with open_client(url) as client:
        found = client.compare(client.get_submission(a)["competition"], a, b)
    if as_json:
        print_json(found)
    else:
        make_console().print(render_comparison(found))


def render_comparison(found: Mapping[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [_list_sides(found), Text(_conclude(found)), Text(), _list_metrics(found["metrics"])]
    if found["epsilons"]:
        parts += [Text(), _draw_epsilons(found["epsilons"])]
    return Group(*parts)


def _list_sides(found: Mapping[str, Any]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
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
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("metric", no_wrap=True)
    for name in ("A", "B", "B − A"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("better is", style="dim")
    for metric in metrics:
        show = show_points if metric["unit"] in ("percent", "models") else show_score
        name = f"{metric['name']} {metric['unit']}".strip()
        difference = _show_signed(metric["difference"])
        table.add_row(name, show(metric["a"]), show(metric["b"]), difference, metric["better"] or "–")
    return table


def _draw_epsilons(epsilons: Mapping[str, Any]) -> Table:
    """Back to back: A's forget examples grow to the left, B's to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("A", justify="right", no_wrap=True)
    table.add_column("epsilon", justify="right", no_wrap=True)
    table.add_column("B", no_wrap=True)
    most = max([*epsilons["a"], *epsilons["b"], 1])
    for edge, one, other in zip(epsilons["edges"], epsilons["a"], epsilons["b"], strict=True):
        left, right = ("█" * round(BAR * count / most) for count in (one, other))
        table.add_row(f"{one} {left}", f"{edge:g}", f"{right} {other}")
    return table


def _show_signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")
