"""`lacuna competitions`, `leaderboard`, `limits`: what a server has to show."""

import csv
import io
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.board import render_board
from cli.console import make_console, print_json, print_line
from cli.remote import UrlOption, choose_competition, open_client
from cli.validate import JsonOption
from core.domain.errors import InvalidInput

SlugArgument = Annotated[
    str, typer.Argument(metavar="[COMPETITION]", help="May be left out if there is only one.", show_default=False)
]
BOARD_COLUMNS = (
    "rank",
    "rank_label",
    "tied_first",
    "tied_last",
    "name",
    "filename",
    "score",
    "score_low",
    "score_high",
    "score_error",
    "score_corrected",
    "better_than_next",
    "neurips2023",
    "unlearning_accuracy",
    "retain_accuracy",
    "test_accuracy",
    "relative_runtime",
    "verdict",
    "decided_early",
    "scored_replicas",
    "replicas_total",
    "purpose",
    "submission_id",
    "submitted_at",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t")


def competitions(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """List the competitions of a server."""
    with open_client(url) as client:
        items = client.list_competitions()
    if as_json:
        print_json(items)
        return
    if not items:
        print_line("no competition yet")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("competition", "title", "state"):
        table.add_column(name)
    for item in items:
        table.add_row(item["slug"], item["title"], item["state"])
    make_console().print(table)


def leaderboard(
    competition: SlugArgument = "",
    url: UrlOption = "",
    final: Annotated[bool, typer.Option("--final", help="The board of the private phase, once published.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, all digits.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show who is where, with intervals, ties and what each entry costs."""
    if as_csv and as_json:
        raise InvalidInput("choose one of --csv and --json")
    with open_client(url) as client:
        slug = choose_competition(client, competition)
        board = client.get_final_board(slug) if final else client.get_leaderboard(slug)
    if as_json:
        print_json(board)
    elif as_csv:
        typer.echo(to_csv(board), nl=False)
    else:
        make_console().print(render_board(board))


def limits(competition: SlugArgument = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show how many submissions are left today."""
    with open_client(url) as client:
        found = client.get_limits(choose_competition(client, competition))
    if as_json:
        print_json(found)
    else:
        print_line(describe_limits(found))


def announcements(competition: SlugArgument = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Print what the organizers announced, newest first."""
    with open_client(url) as client:
        items = client.list_announcements(choose_competition(client, competition))
    if as_json:
        print_json(items)
        return
    for item in items:
        typer.echo(
            f"{item['title']} ({item['created_at'][:16].replace('T', ' ')} UTC, {item['author']})\n\n{item['text']}\n"
        )
    if not items:
        print_line("nothing was announced yet")


def describe_limits(found: Mapping[str, Any]) -> str:
    total = "" if found.get("total_left") is None else f"; {found['total_left']} left in all"
    return (
        f"{found['left']} of {found['daily_limit']} submissions left today (resets {found['resets_at']});"
        f" {found['running']} of {found['concurrent_limit']} running{total}"
    )


def to_csv(board: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(BOARD_COLUMNS)
    for row in board["entries"]:
        writer.writerow([_protect(row.get(name)) for name in BOARD_COLUMNS])
    return stream.getvalue()


def _protect(value: Any) -> Any:
    # A name that starts like a formula would run in the organizer's spreadsheet.
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
