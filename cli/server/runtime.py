"""`lacuna runtime`: where submissions run, and what they may use there."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.show.console import make_console, print_json, print_line
from cli.show.numbers import show_percent
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import open_client
from cli.show.tables import make_table

MIB = 1 << 20


def runtime(
    codes: Annotated[bool, typer.Option("--codes", help="List every error code and its hint instead.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the sandbox of a server: Python, libraries, limits of each problem."""
    with open_client(url) as client:
        found: Any = client.list_error_codes() if codes else client.get_runtime()
    if as_json:
        print_json(found)
    elif codes:
        _print_codes(found)
    else:
        _print_runtime(found)


def _print_runtime(found: Mapping[str, Any]) -> None:
    print_line(f"image {found['image']}, sandbox {found['sandbox']}, nodes {found['node_class']} ({found['device']})")
    print_line(f"Python {found['python']}; {_join(found['libraries'])}")
    seen = found["observed"]
    if seen is not None:
        print_line(f"newest score: {seen['sandbox']} on {seen['node_class']}, {_join(seen['versions'])}")
    print_line()
    table = make_table()
    table.add_column("competition", no_wrap=True)
    for name in ("memory", "files", "output", "processes", "clock", "budget", "replicas"):
        table.add_column(name, justify="right", no_wrap=True)
    for problem in found["problems"]:
        table.add_row(
            problem["competition"],
            f"{problem['memory_bytes'] / MIB:.0f} MiB",
            f"{problem['scratch_bytes'] / MIB:.0f} MiB",
            f"{problem['log_bytes'] / 1024:.0f} KiB",
            str(problem["processes"]),
            f"{problem['wall_seconds_floor']:g}–{problem['wall_seconds_ceiling']:g} s",
            show_percent(problem["compute_budget"]),
            str(problem["replicas"]),
        )
    make_console().print(table)


def _print_codes(codes: list[Mapping[str, Any]]) -> None:
    table = make_table()
    for name in ("code", "verdict", "what to do"):
        table.add_column(name, no_wrap=name != "what to do")
    for each in codes:
        table.add_row(each["code"], each["verdict"].replace("_", " "), Text(each["hint"]))
    make_console().print(table)


def _join(libraries: list[Mapping[str, str]]) -> str:
    return ", ".join(f"{library['name']} {library['version']}" for library in libraries)
