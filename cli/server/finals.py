"""`lacuna select`: which submissions stand for a team at the end."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.show.console import print_json, print_note
from cli.show.numbers import show_score, show_time
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import choose_competition, choose_submission, open_client, shorten_id
from cli.show.tables import Column, print_fitted
from core.domain.errors import InvalidInput


def select(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="The whole selection.", show_default=False)
    ] = None,
    competition: Annotated[str, typer.Option("--competition", "-c", help="May be left out if there is only one.")] = "",
    none: Annotated[bool, typer.Option("--none", help="Select nothing: the best ones stand.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Select the submissions that stand for your team in the final ranking; without an ID, show them."""
    if ids and none:
        raise InvalidInput("name submissions, or --none")
    with open_client(url) as client:
        slug = choose_competition(client, competition)
        chosen = [choose_submission(client, each) for each in ids or []]
        found = client.select(slug, chosen) if chosen or none else client.get_selection(slug)
    if as_json:
        print_json(found)
    else:
        _print_selection(found)


def _print_selection(found: Mapping[str, Any]) -> None:
    columns = (Column("final"), Column("id"), Column("file", may_wrap=True), Column("score"))
    rows = []
    for item in found["items"]:
        why = "selected" if item["is_selected"] else "best" if item["is_finalist"] else ""
        score = show_score(item["score"])
        rows.append((why, shorten_id(item["submission_id"]), item["filename"], score, item["note"]))
    print_fitted((*columns, Column("note", 1, may_wrap=True)), rows)
    until = f" until {show_time(found['closes_at'])}" if found["closes_at"] else ""
    print_note(f"up to {found['limit']} may be selected{until}" if found["is_open"] else "the selection is closed")
