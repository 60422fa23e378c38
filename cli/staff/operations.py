"""`lacuna admin`: queue, nodes, costs, leaks and flags, for those who run the platform."""

from typing import Annotated, Any

import typer

from cli.show.console import print_answer, print_json, print_line
from cli.show.options import Because, JsonOption, UrlOption
from cli.show.remote import open_client
from cli.show.tables import Column, print_fitted, print_table
from core.domain.durations import show_duration
from core.domain.review import FlagState, FlagVerdict

admin_app = typer.Typer(no_args_is_help=True, help="Queue, nodes, costs, leaks, flags.")


@admin_app.command()
def queue(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show what waits and runs, how long it may take, and what does not move."""
    with open_client(url) as client:
        answer = client.get_queue()
    if as_json:
        print_json(answer)
        return
    rows = (
        (_name_group(group), group["status"], group["count"], show_duration(group["oldest_seconds"]))
        for group in answer["groups"]
    )
    print_table(("for", "status", "count", "oldest"), rows)
    print_line(f"{answer['replicas_left']} replicas left on {answer['workers']} workers: {_tell_left(answer)}")
    if answer["messages_unsent"]:
        print_line(f"{answer['messages_unsent']} messages have not reached the broker")
    for duty in answer["janitor"]:
        if duty["why"]:
            print_line(f"stuck janitor: {duty['why']}")
            print_line(f"  helps: {duty['command']}")
    for item in answer["waiting"]:
        waited = show_duration(item["waited_seconds"])
        print_line(f"stuck {waited} {item['status']} {item['evaluation_id']} {item['filename']} by {item['by']}")
        print_line(f"  {item['why']}")
        print_line(f"  helps: {item['command']}")
    for piece in answer["pieces"]:
        print_line(f"stuck {show_duration(piece['waited_seconds'])} {piece['name']} of {piece['subject']}")
        print_line(f"  {piece['why']}")
        print_line(f"  helps: {piece['command']}")


@admin_app.command()
def nodes(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show the machines that work, and what at."""
    with open_client(url) as client:
        answer = client.list_nodes()
    if as_json:
        print_json(answer)
        return
    rows = (
        (
            node["name"],
            node["health"] + (", draining" if node["is_draining"] else ""),
            node["node_class"],
            ", ".join(node["calibrated_for"]) or "–",
            node["sandbox"],
            node["version"],
            f"{len(node['shards']) + node['pool_chunks']} of {node['workers']}",
            node["last_seen_at"][:19].replace("T", " "),
            node["fault"] or node["drain_reason"] or node["rest_reason"],
        )
        for node in answer["items"]
    )
    print_table(("node", "health", "class", "calibrated for", "sandbox", "version", "busy", "last seen", "why"), rows)


@admin_app.command()
def drain(node: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Let a node end what it holds and claim nothing more."""
    with open_client(url) as client:
        row = client.set_node(node, "drain", because)
    print_answer(
        row,
        f"{row['name']} drains; it still holds {len(row['shards'])} shards and {row['pool_chunks']} pool chunks",
        as_json=as_json,
    )


@admin_app.command()
def activate(node: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Let a drained node work again."""
    with open_client(url) as client:
        row = client.set_node(node, "activate", because)
    print_answer(row, f"{row['name']} works again", as_json=as_json)


@admin_app.command()
def costs(
    days: Annotated[int, typer.Option("--days", min=1, help="How many UTC days, today included.")] = 30,
    competition: Annotated[str, typer.Option("-c", "--competition", help="Only this one.", show_default=False)] = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show processor and wall seconds by day and team."""
    with open_client(url) as client:
        answer = client.get_costs(days=days, competition=competition)
    if as_json:
        print_json(answer)
        return
    rows = (
        (
            line["day"],
            line["competition"],
            line["team"] or "–",
            _name_group(line),
            line["evaluations"],
            line["replicas"],
            f"{line['cpu_seconds']:.1f}",
            f"{line['wall_seconds']:.1f}",
        )
        for line in answer["items"]
    )
    print_table(("day", "competition", "team", "for", "evaluations", "replicas", "processor s", "wall s"), rows)
    print_line(f"together {answer['cpu_seconds']:.1f} processor seconds, {answer['wall_seconds']:.1f} wall seconds")


LEAK_COLUMNS = (
    Column("team", may_wrap=True),
    Column("competition", 3, may_wrap=True),
    Column("problem", 4, may_wrap=True),
    Column("submissions", 2, is_number=True),
    Column("told scores", 1, is_number=True),
    Column("bits", is_number=True),
    Column("allowed", is_number=True),
    Column("", may_wrap=True),
)


@admin_app.command()
def leaks(
    competition: Annotated[str, typer.Option("-c", "--competition", help="Only this one.", show_default=False)] = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show how many bits runs on hidden problems have told each team, and how many they may."""
    with open_client(url) as client:
        answer = client.get_leaks(competition=competition)
    if as_json:
        print_json(answer)
        return
    rows = (
        (
            line["team"],
            line["competition"],
            line["problem"],
            line["runs"],
            line["climbs"],
            f"{line['bits']:.0f}",
            line["limit"],
            "waits for staff" if line["is_spent"] else "",
        )
        for line in answer["items"]
    )
    print_fitted(LEAK_COLUMNS, list(rows))


@admin_app.command()
def requeue(evaluation: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Send a stuck evaluation's work out again, or try anew what ended by our fault."""
    with open_client(url) as client:
        row = client.act_on_evaluation(evaluation, "requeue", because)
    print_answer(row, f"{row['evaluation_id']} is {row['status']}; {row['messages']} tasks sent", as_json=as_json)


@admin_app.command()
def cancel(evaluation: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Stop an evaluation; its author reads why."""
    with open_client(url) as client:
        row = client.act_on_evaluation(evaluation, "cancel", because)
    print_answer(row, f"{row['evaluation_id']} is {row['status']}", as_json=as_json)


@admin_app.command()
def flags(
    state: Annotated[FlagState, typer.Option("--state", help="Which entries.")] = FlagState.OPEN,
    competition: Annotated[str, typer.Option("-c", "--competition", help="Only this one.", show_default=False)] = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show entries whose scores a person should look at."""
    with open_client(url) as client:
        answer = client.list_flags(state=state, competition=competition)
    if as_json:
        print_json(answer)
        return
    rows = (
        (
            item["evaluation_id"],
            item["by"],
            item["filename"],
            flag["code"],
            flag["severity"],
            flag["decision"]["decision"] if flag["decision"] else "open",
            flag["detail"],
        )
        for item in answer["items"]
        for flag in item["flags"]
    )
    print_table(("evaluation", "by", "file", "flag", "severity", "decision", "detail"), rows)


@admin_app.command()
def decide(
    evaluation: str,
    flag: str,
    decision: FlagVerdict,
    because: Because,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Dismiss or uphold a flag; no score changes by it."""
    with open_client(url) as client:
        row = client.decide_flag(evaluation, flag, decision, because)
    print_answer(row, f"{row['code']} is {row['decision']['decision']}", as_json=as_json)


def _name_group(group: dict[str, Any]) -> str:
    return f"{group['purpose']}, rejudge" if group["is_rejudge"] else str(group["purpose"])


def _tell_left(answer: dict[str, Any]) -> str:
    seconds = answer["seconds_left"]
    return "nobody knows how long" if seconds is None else f"about {show_duration(seconds)}"
