"""`lacuna rules`: read a competition's rules, and accept them."""

from typing import Annotated

import typer

from cli.show.console import print_json, print_note
from cli.show.numbers import show_time
from cli.show.options import JsonOption, SlugArgument, UrlOption
from cli.show.remote import choose_competition, open_client
from core.domain.errors import NotFound


def rules(
    competition: SlugArgument = "",
    accept: Annotated[bool, typer.Option("--accept", help="Accept the version that is printed.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print the rules of a competition; submitting may need them accepted."""
    with open_client(url) as client:
        slug = choose_competition(client, competition)
        found = client.get_rules(slug)
        if accept:
            if found["version"] is None:
                raise NotFound(f"{slug} has no rules to accept")
            found = client.accept_rules(slug, found["version"])
    if as_json:
        print_json(found)
        return
    if found["version"] is None:
        print_note(f"{slug} has no rules of its own; nothing needs to be accepted")
        return
    typer.echo(found["text"])
    if found["accepted_at"]:
        print_note(f"you accepted version {found['version']} on {show_time(found['accepted_at'])}")
    else:
        print_note(f"version {found['version']}; accept it with `lacuna rules {slug} --accept`")
