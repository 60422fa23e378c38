"""`lacuna select`, and `lacuna organize private`: the end of a competition."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.here.validate import JsonOption
from cli.show.console import make_console, print_json, print_line, print_note
from cli.show.numbers import show_score
from cli.show.remote import UrlOption, choose_competition, choose_submission, open_client
from core.domain.errors import InvalidInput


class Step(StrEnum):
    SHOW = "show"
    START = "start"
    PROPOSE = "propose"
    PUBLISH = "publish"


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


def private(
    competition: Annotated[str, typer.Argument(show_default=False)],
    step: Annotated[
        Step, typer.Argument(help="Score the finalists, ask somebody to publish their board, or publish it.")
    ] = Step.SHOW,
    because: Annotated[str, typer.Option("--because", help="Why; it is kept.")] = "",
    digest: Annotated[str, typer.Option("--digest", help="Of the preview that you looked at, as shown.")] = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show, start, propose to publish or publish the private phase of a competition that has ended."""
    if step is not Step.SHOW and not because:
        raise InvalidInput("say why with --because")
    with open_client(url) as client:
        if step is Step.SHOW:
            found = client.get_private_phase(competition)
        else:
            found = client.move_private_phase(competition, step.value, because, digest=digest)
    if as_json:
        print_json(found)
    else:
        _print_private(competition, found)


def _print_private(competition: str, found: Mapping[str, Any]) -> None:
    finalists = found["finalists"]
    print_line(f"{competition}: {found['state']}, {len(finalists)} finalists, {found['unfinished']} not ended")
    for each in finalists:
        end = each["verdict"] or (f"{each['status']} {each['finished']}/{each['total']}" if each["status"] else "–")
        print_line(f"{each['submission_id']}  {each['team']}  {each['filename']}  {end}")
    if found["state"] == "scoring" and found["board"]["digest"]:  # empty before anybody has a line
        print_note(f"the ranking is {found['board']['digest']}; look at it: lacuna leaderboard {competition} --final")
    proposal = found["proposal"]
    if proposal is not None:
        stale = "" if proposal["is_current"] else "; the ranking changed since, so it has to be proposed again"
        print_note(f"{proposal['by']} proposes to publish {proposal['digest']}{stale}")


def _print_selection(found: Mapping[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("final", "id", "file", "score", "note"):
        table.add_column(name, no_wrap=name == "id")
    for item in found["items"]:
        why = "selected" if item["is_selected"] else "best" if item["is_finalist"] else ""
        table.add_row(why, item["submission_id"], item["filename"], show_score(item["score"]), item["note"])
    make_console().print(table)
    until = f" until {found['closes_at']}" if found["closes_at"] else ""
    print_note(f"up to {found['limit']} may be selected{until}" if found["is_open"] else "the selection is closed")
