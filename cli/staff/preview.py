"""`lacuna admin preview`: what a competition's splits hold and what its pools would take, before they are trained."""

import time
from typing import Annotated, Any

import typer

from cli.show.console import print_json, print_line
from cli.show.numbers import show_percent
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import open_client
from cli.show.tables import print_table
from client.failures import CommandFailed, Exit
from core.domain.durations import show_duration

JSON = dict[str, Any]
WAIT_SECONDS, POLL_SECONDS = 600.0, 1.0


def preview(
    competition: Annotated[str, typer.Argument(help="Its short name.")],
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count the classes of every split, and estimate what training the pools takes; nothing is trained or opened."""
    with open_client(url) as client:
        answer = client.ask_for_preview(competition)
        deadline = time.monotonic() + WAIT_SECONDS
        while not all(item["made_at"] for item in answer["items"]):
            if time.monotonic() > deadline:
                raise CommandFailed("no worker looked at it in time", exit_code=Exit.TIMEOUT)
            time.sleep(POLL_SECONDS)
            answer = client.get_preview(competition)
    if as_json:
        print_json(answer)
    else:
        for item in answer["items"]:
            _print_preview(item, answer["workers"])
    faults = [item["fault"] for item in answer["items"] if item["fault"]]
    if faults:
        raise CommandFailed(f"no preview of {competition}: {faults[0]}", exit_code=Exit.REJECTED)


def _print_preview(item: JSON, workers: int) -> None:
    if item["fault"]:
        return
    forget = item["forget"]
    print_line(f"{item['role']} problem: {forget['count']} examples to forget, of kind {forget['kind']}")
    counts = item["counts"]
    print_table(("class", *counts), zip(item["classes"], *counts.values(), strict=True))
    for pool in item["pools"]:
        print_line(f"{pool['kind']}: {pool['models']} models, about {show_duration(pool['seconds'])} of one worker")
    seconds = sum(pool["seconds"] for pool in item["pools"])
    share = f", {show_duration(seconds / workers)} on the {workers} there are now" if workers else ""
    print_line(f"together about {show_duration(seconds)} of one worker{share}")
    _print_learning(item.get("learning"))
    if headroom := item.get("headroom"):  # a server before 0.2 does not say
        unfit = "" if headroom["fit_for_prizes"] else "; above 2 it is not fit for prizes"
        print_line(f"plain loop over the fastest known trainer of one model: {headroom['ratio']:.1f}{unfit}")


def _print_learning(learning: JSON | None) -> None:
    if learning is None:
        print_line("how well retrained models do is told once the pools are trained")
        return
    shown = (f"{name} {show_percent(learning[f'retrained_{name}'])}" for name in ("retain", "test"))
    print_line(
        f"retrained models: {', '.join(shown)}; originals {show_percent(learning['original_test'])} of the test set,"
        f" guessing {show_percent(learning['guessing'])}"
    )
    for doubt in learning["doubts"]:
        print_line(f"warning: {doubt}")
