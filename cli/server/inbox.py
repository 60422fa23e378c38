"""`lacuna inbox`: what one is told."""

from typing import Annotated

import typer

from cli.show.console import print_json, print_line, print_note
from cli.show.numbers import show_time
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import open_client


def inbox(
    read: Annotated[bool, typer.Option("--read", help="Mark everything as read.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print what you were told, newest first: invitations, results, announcements, answers, deadlines."""
    with open_client(url) as client:
        found = client.list_inbox()
        if read:
            client.read_inbox()
    if as_json:
        print_json(found)
        return
    for item in found["items"]:
        mark = " " if item["read_at"] else "*"
        typer.echo(f"{mark} {show_time(item['created_at'])}  {item['subject']}\n    {item['text']}")
    if not found["items"]:
        print_line("nothing yet")
    elif found["unread"] and not read:
        print_note(f"{found['unread']} unread; `lacuna inbox --read` marks them")
