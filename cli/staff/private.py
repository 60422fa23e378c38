"""`lacuna organize private`: the private phase of a competition that has ended."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.show.console import print_json, print_line, print_note
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import open_client
from core.domain.errors import InvalidInput
from core.domain.phases import PhaseState


class Step(StrEnum):
    SHOW = "show"
    START = "start"
    PROPOSE = "propose"
    PUBLISH = "publish"


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
            found = client.move_private_phase(competition, step, because, digest=digest)
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
    if found["state"] == PhaseState.SCORING and found["board"]["digest"]:  # empty before anybody has a line
        print_note(f"the ranking is {found['board']['digest']}; look at it: lacuna leaderboard {competition} --final")
    proposal = found["proposal"]
    if proposal is not None:
        stale = "" if proposal["is_current"] else "; the ranking changed since, so it has to be proposed again"
        print_note(f"{proposal['by']} proposes to publish {proposal['digest']}{stale}")
