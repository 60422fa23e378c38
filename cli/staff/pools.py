"""`lacuna admin pools`: how far a competition's pools are, whether they are what was sealed, opening and retiring."""

from typing import Annotated, Any

import typer

from cli.show.console import print_answer, print_json, print_line
from cli.show.options import Because, JsonOption, UrlOption
from cli.show.remote import open_client
from cli.show.tables import print_table
from client.failures import CommandFailed, Exit
from core.domain.competition import CompetitionState
from core.domain.durations import show_duration
from core.domain.pools import PoolState

JSON = dict[str, Any]
pools_app = typer.Typer(no_args_is_help=True, help="Pools of trained models.")
CompetitionArgument = Annotated[str, typer.Argument(help="Its short name.")]


@pools_app.command()
def show(competition: CompetitionArgument, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show every pool: what it is for, where it is, how long it takes, and what it is sealed with."""
    with open_client(url) as client:
        answer = client.list_pools(competition)
    if as_json:
        print_json(answer)
        return
    print_table(("for", "pool", "state", "models", "left", "seal", "fault"), map(_describe_pool, answer["items"]))
    for piece in (piece for pool in answer["items"] for piece in pool["waiting"]):
        print_line(f"stuck {show_duration(piece['waited_seconds'])} {piece['name']}: {piece['why']}")
        print_line(f"  helps: {piece['command']}")
    ready = answer["state"] == CompetitionState.PREPARING and answer["prepared_at"]
    print_line(f"{competition} is {answer['state']}" + (": prepared, and opens by hand" if ready else ""))


@pools_app.command()
def verify(competition: CompetitionArgument, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Read what was sealed again and compute every digest; exit code 2 if anything is another one."""
    with open_client(url) as client:
        answer = client.verify_pools(competition)
    if as_json:
        print_json(answer)
    else:
        for item in answer["items"]:
            pool = item["pool"]
            print_line(f"{pool['role']} {_name(pool)}, {(pool['seal'] or 'no seal')[:12]}: {_tell(item)}")
        if not answer["items"]:
            print_line(f"{competition} has no pool yet that is sealed")
    if not answer["intact"]:
        raise CommandFailed("a pool differs from its seal", exit_code=Exit.REJECTED)


@pools_app.command()
def activate(
    competition: CompetitionArgument, because: Because, url: UrlOption = "", as_json: JsonOption = False
) -> None:
    """Open a competition that is prepared and opens by hand."""
    with open_client(url) as client:
        state = client.list_pools(competition)["state"]
        if state != CompetitionState.PREPARING:
            hint = "lacuna organize state changes the state of others"
            raise CommandFailed(
                f"{competition} is {state}: only preparing ones can be activated", exit_code=Exit.REFUSED, hint=hint
            )
        row = client.change_state(competition, CompetitionState.OPEN, because)
    print_answer(row, f"{row['slug']} is {row['state']}", as_json=as_json)


@pools_app.command()
def retire(competition: CompetitionArgument, because: Because, url: UrlOption = "") -> None:
    """Let nothing be scored any more against pools of earlier problems; all of them once it is closed."""
    with open_client(url) as client:
        before = _count_retired(client.list_pools(competition))
        retired = _count_retired(client.retire_pools(competition, because))
    print_line(f"{retired - before} pools of {competition} were retired; {retired} are")


def _describe_pool(pool: JSON) -> tuple[object, ...]:
    left = "–" if pool["seconds_left"] is None else show_duration(pool["seconds_left"])
    models = f"{pool['finished']} of {pool['total']}"
    return pool["role"], _name(pool), pool["state"], models, left, (pool["seal"] or "–")[:12], pool["fault"]


def _name(pool: JSON) -> str:
    request = pool.get("request", 1)
    return f"{pool['kind']} of request {request}" if request > 1 else str(pool["kind"])


def _tell(item: JSON) -> str:
    return "; ".join(item["faults"]) or ("as it was sealed" if item["pool"]["seal"] else "sealed without a record")


def _count_retired(answer: JSON) -> int:
    return sum(pool["state"] == PoolState.RETIRED for pool in answer["items"])
