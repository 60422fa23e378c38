"""`lacuna organize`: what staff may do to a competition and its submissions."""

from typing import Annotated

import typer
from rich.table import Table

from cli.console import make_console, print_json, print_line
from cli.remote import UrlOption, open_client
from cli.validate import JsonOption
from core.domain.competition import CompetitionState
from core.domain.errors import Conflict

organize_app = typer.Typer(no_args_is_help=True, help="Freeze, close, disqualify; read the audit log.")
Because = Annotated[str, typer.Option("--because", help="Why; it is kept, and shown to the author.", prompt="because")]


@organize_app.command()
def state(
    competition: Annotated[str, typer.Argument(show_default=False)],
    state: Annotated[CompetitionState, typer.Argument(help="What it becomes.", show_default=False)],
    because: Because,
    url: UrlOption = "",
) -> None:
    """Freeze, close, open again or archive a competition."""
    with open_client(url) as client:
        row = client.change_state(competition, state.value, because)
    print_line(f"{row['slug']} is now {row['state']}")


@organize_app.command()
def disqualify(submission: str, because: Because, url: UrlOption = "") -> None:
    """Take a submission off the board."""
    with open_client(url) as client:
        row = client.moderate(submission, "disqualify", because)
    print_line(f"{row['filename']} by {row['user']} is off the board of {row['competition']}")


@organize_app.command()
def reinstate(submission: str, because: Because, url: UrlOption = "") -> None:
    """Put a disqualified submission back."""
    with open_client(url) as client:
        row = client.moderate(submission, "reinstate", because)
    print_line(f"{row['filename']} by {row['user']} is back on the board of {row['competition']}")


@organize_app.command()
def audit(
    verify: Annotated[bool, typer.Option("--verify", help="Recompute the whole chain.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what staff did, newest first."""
    with open_client(url) as client:
        answer = client.verify_audit() if verify else client.list_audit()
    if as_json:
        print_json(answer)
    elif verify:
        print_line(f"{answer['entries']} entries, head {answer['head']}")
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("when", "who", "what", "to what", "detail"):
            table.add_column(name)
        for item in answer["items"]:
            detail = "; ".join(f"{name}: {value}" for name, value in item["detail"].items())
            table.add_row(item["at"][:19].replace("T", " "), item["actor"], item["action"], item["subject"], detail)
        make_console().print(table)
    if verify and not answer["intact"]:
        raise Conflict(f"the audit log is broken at entry {answer['broken_at']}")
