"""`lacuna competitions`, `leaderboard`, `limits`: what a server has to show."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.show.board import describe_own, render_board, render_changes
from cli.show.console import make_console, print_json, print_line
from cli.show.numbers import show_time
from cli.show.options import JsonOption, SlugArgument, UrlOption
from cli.show.remote import choose_competition, open_client
from cli.show.tables import Column, print_fitted, print_ledger
from core.domain.errors import InvalidInput
from core.domain.moments import parse_moment
from core.domain.phases import PhaseKind
from core.domain.spreadsheet import BOARD_COLUMNS, EXCEL_MARK, write_csv


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
    columns = (Column("competition"), Column("title", may_wrap=True), Column("state"), Column("until", 1))
    ends = [item.get("closes_at") for item in items]
    rows = [
        (item["slug"], item["title"], item["state"], show_time(end) if end else "no deadline")
        for item, end in zip(items, ends, strict=True)
    ]
    print_fitted(columns, rows)


def leaderboard(
    competition: SlugArgument = "",
    url: UrlOption = "",
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="TIME", help="As it stood then; UTC unless the time has a zone.")
    ] = "",
    changes: Annotated[bool, typer.Option("--changes", help="Show who moved when and why.")] = False,
    me: Annotated[bool, typer.Option("--me", help="Show where your team stands.")] = False,
    final: Annotated[bool, typer.Option("--final", help="The board of the private phase, and no other.")] = False,
    public: Annotated[
        bool, typer.Option("--public", help="The board of the public phase, after the final one is out too.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, all digits.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show who is where, with intervals, ties and what each entry costs."""
    if as_csv and as_json:
        raise InvalidInput("choose one of --csv and --json")
    if changes + me + bool(as_of) > 1 or (as_csv and (changes or me)):
        raise InvalidInput("--changes and --me stand alone or with --json")
    if final and public:
        raise InvalidInput("choose one of --final and --public")
    phase = PhaseKind.PRIVATE if final else PhaseKind.PUBLIC if public else ""
    moment = parse_moment(as_of).isoformat() if as_of else ""
    with open_client(url) as client:
        slug = choose_competition(client, competition)
        if changes:
            show_changes(client.list_board_changes(slug, phase=phase), as_json=as_json)
            return
        if me:
            show_own(client.get_own_place(slug, phase=phase), as_json=as_json)
            return
        board = client.get_leaderboard(slug, as_of=moment, phase=phase)
    if as_json:
        print_json(board)
    elif as_csv:
        typer.echo(EXCEL_MARK + write_csv(board["entries"], BOARD_COLUMNS), nl=False)
    else:
        make_console().print(render_board(board))


def show_changes(items: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(items)
    elif not items:
        print_line("the board has not changed yet")
    else:
        make_console().print(render_changes(items))


def show_own(own: Mapping[str, Any], *, as_json: bool) -> None:
    print_json(own) if as_json else print_line(describe_own(own))


def limits(
    competition: SlugArgument = "",
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Charges, refunds and grants of the quota, with their reasons.")
    ] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show how many submissions are left today."""
    with open_client(url) as client:
        slug = choose_competition(client, competition)
        found = client.get_ledger(slug) if ledger else client.get_limits(slug)
    if as_json:
        print_json(found)
    elif ledger:
        print_ledger(found)
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
        edited = f", edited {show_time(item['edited_at'])}" if item.get("edited_at") else ""
        head = f"{item['title']} ({show_time(item['created_at'])}, {item['author']}{edited}; {item['id']})"
        typer.echo(f"{head}\n\n{item['text']}\n")
    if not items:
        print_line("nothing was announced yet")


def describe_limits(found: Mapping[str, Any]) -> str:
    total = "" if found.get("total_left") is None else f"; {found['total_left']} left in all"
    return (
        f"{found['left']} of {found['daily_limit']} submissions left today (resets {show_time(found['resets_at'])});"
        f" {found['running']} of {found['concurrent_limit']} running{total}{_describe_practice(found)}"
    )


def _describe_practice(found: Mapping[str, Any]) -> str:
    practice = found.get("practice")
    if practice is None:
        return ""
    return (
        f"; practice: {practice['left']} of {practice['daily_limit']} left today,"
        f" {practice['running']} of {practice['concurrent_limit']} running"
    )
