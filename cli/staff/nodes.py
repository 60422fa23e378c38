"""`lacuna admin node`: the keys with which machines join over HTTP."""

from typing import Annotated, Any

import typer

from cli.show.console import print_answer, print_json, print_line
from cli.show.options import Because, JsonOption, UrlOption
from cli.show.remote import open_client
from cli.show.tables import print_table
from core.domain.leaderboard import Purpose

node_key_app = typer.Typer(no_args_is_help=True, help="Keys of machines that join over HTTP.")
OnlyOption = Annotated[
    list[Purpose] | None,
    typer.Option("--only", help="Submissions it may run, once for each kind.", show_default="all"),
]


@node_key_app.command()
def add(name: str, because: Because, only: OnlyOption = None, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Let a machine join as a node of this name; its key is shown this once."""
    with open_client(url) as client:
        row = client.add_node_key(name, [str(each) for each in only or ()], because)
        _print_key(row, client.url, as_json=as_json)


@node_key_app.command()
def rotate(name: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Give a node a new key; the old one ends at once, with what was held by it."""
    with open_client(url) as client:
        row = client.change_node_key(name, "rotate", because)
        _print_key(row, client.url, as_json=as_json)


@node_key_app.command()
def revoke(name: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Let nobody work under this name; what the node held goes to others at once."""
    with open_client(url) as client:
        row = client.change_node_key(name, "revoke", because)
    print_answer(row, f"nobody works as {row['name']} any more", as_json=as_json)


@node_key_app.command("list")
def list_keys(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show which nodes were given a key; `lacuna admin nodes` shows what they do."""
    with open_client(url) as client:
        answer = client.list_node_keys()
    if as_json:
        print_json(answer)
        return
    rows = (
        (
            row["name"],
            " ".join(row["purposes"]),
            _show_time(row["created_at"]),
            _show_time(row["rotated_at"]),
            _show_time(row["revoked_at"]),
        )
        for row in answer["items"]
    )
    print_table(("node", "runs", "added", "key of", "revoked"), rows)


def _print_key(row: dict[str, Any], url: str, *, as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    print_line(f"{row['name']} may run: {', '.join(row['purposes'])}. Its key is shown this once; on that machine:")
    print_line(f"lacuna node join {url} {row['token']}")


def _show_time(moment: str | None) -> str:
    return moment[:19].replace("T", " ") if moment else "–"
