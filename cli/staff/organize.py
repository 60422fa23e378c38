"""`lacuna organize`: what staff may do to a competition and its submissions."""

from pathlib import Path
from typing import Annotated

import typer

from cli.show.console import print_answer, print_json, print_line
from cli.show.files import read_text
from cli.show.numbers import show_time
from cli.show.options import Because, JsonOption, UrlOption
from cli.show.remote import choose_any_submission, open_client
from cli.show.tables import print_ledger
from cli.staff.private import private
from cli.staff.settings import change_settings
from core.domain.competition import CompetitionState
from core.domain.errors import Conflict
from core.domain.moments import parse_moment

organize_app = typer.Typer(no_args_is_help=True, help="Freeze, close, disqualify; read the audit log.")


@organize_app.command()
def state(
    competition: Annotated[str, typer.Argument(show_default=False)],
    state: Annotated[CompetitionState, typer.Argument(help="What it becomes.", show_default=False)],
    because: Because,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Freeze, close, open again or archive a competition."""
    with open_client(url) as client:
        row = client.change_state(competition, state, because)
    print_answer(row, f"{row['slug']} is now {row['state']}", as_json=as_json)


organize_app.command("set")(change_settings)


@organize_app.command()
def rules(
    competition: Annotated[str, typer.Argument(show_default=False)],
    file: Annotated[Path, typer.Argument(help="Markdown; an empty file takes the rules back.", show_default=False)],
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Write the next version of a competition's rules."""
    with open_client(url) as client:
        row = client.write_rules(competition, read_text(file))
    version = row["version"]
    print_answer(
        row,
        f"{competition}: version {version} of the rules" if version else f"{competition} has no rules now",
        as_json=as_json,
    )


organize_app.command()(private)


@organize_app.command("grant")
def grant_submissions(
    competition: Annotated[str, typer.Argument(show_default=False)],
    team: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    amount: Annotated[int, typer.Argument(min=1, max=1000, show_default=False)],
    because: Because,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Give a team submissions on top of the limits."""
    with open_client(url) as client:
        row = client.grant(competition, team, amount, because)
    print_answer(row, f"{row['team']} was granted {row['amount']}, {row['granted']} in all", as_json=as_json)


@organize_app.command()
def ledger(
    competition: Annotated[str, typer.Argument(show_default=False)],
    team: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what a team's quota was spent on, what was given back and what was granted."""
    with open_client(url) as client:
        found = client.get_ledger_of_team(competition, team)
    print_json(found) if as_json else print_ledger(found)


@organize_app.command()
def announce(
    competition: Annotated[str, typer.Argument(show_default=False)],
    title: Annotated[str, typer.Argument(show_default=False)],
    file: Annotated[Path, typer.Argument(help="Markdown.", show_default=False)],
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Announce something on a competition's page."""
    with open_client(url) as client:
        row = client.announce(competition, title, read_text(file))
    print_answer(row, f"announced on {competition}: {row['title']}", as_json=as_json)


@organize_app.command("edit-announcement")
def edit_announcement(
    competition: Annotated[str, typer.Argument(show_default=False)],
    announcement: Annotated[
        str, typer.Argument(help="Its id, as `lacuna announcements` shows it.", show_default=False)
    ],
    because: Because,
    title: Annotated[str, typer.Option(help="Another title.", show_default=False)] = "",
    file: Annotated[Path | None, typer.Option(help="Another text, Markdown.", show_default=False)] = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say an announcement otherwise; the audit log keeps what it said."""
    changes = {"title": title, "text": read_text(file) if file else ""}
    with open_client(url) as client:
        named = {name: value for name, value in changes.items() if value}
        row = client.edit_announcement(competition, announcement, named, because)
    print_answer(row, f"{competition} reads now: {row['title']}", as_json=as_json)


@organize_app.command("withdraw-announcement")
def withdraw_announcement(
    competition: Annotated[str, typer.Argument(show_default=False)],
    announcement: Annotated[
        str, typer.Argument(help="Its id, as `lacuna announcements` shows it.", show_default=False)
    ],
    because: Because,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take an announcement back; the audit log keeps it."""
    with open_client(url) as client:
        row = client.withdraw_announcement(competition, announcement, because)
    print_answer(row, f"withdrawn from {competition}: {row['title']}", as_json=as_json)


@organize_app.command()
def disqualify(submission: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Take a submission off the board."""
    with open_client(url) as client:
        row = client.moderate(choose_any_submission(client, submission), "disqualify", because)
    print_answer(row, f"{row['filename']} by {row['user']} is off the board of {row['competition']}", as_json=as_json)


@organize_app.command()
def reinstate(submission: str, because: Because, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Put a disqualified submission back."""
    with open_client(url) as client:
        row = client.moderate(choose_any_submission(client, submission), "reinstate", because)
    print_answer(
        row, f"{row['filename']} by {row['user']} is back on the board of {row['competition']}", as_json=as_json
    )


@organize_app.command()
def audit(
    verify: Annotated[bool, typer.Option("--verify", help="Recompute the whole chain.")] = False,
    by: Annotated[str, typer.Option("--by", help="Only what this person did.", show_default=False)] = "",
    action: Annotated[
        str, typer.Option("--action", help="Only this, such as competition.state.", show_default=False)
    ] = "",
    about: Annotated[
        str, typer.Option("--about", help="Only to this, such as competition/digits.", show_default=False)
    ] = "",
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Not before; UTC.", show_default=False)] = "",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Before; UTC.", show_default=False)] = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what staff did, newest first."""
    with open_client(url) as client:
        if verify:
            answer = client.verify_audit()
        else:
            moments = {
                name: parse_moment(typed).isoformat() for name, typed in (("since", since), ("until", until)) if typed
            }
            answer = client.list_audit(actor=by, action=action, subject=about, **moments)
    if as_json:
        print_json(answer)
    elif verify:
        print_line(f"{answer['entries']} entries, head {answer['head']}")
    else:
        for item in answer["items"]:
            print_line(f"{show_time(item['at'])}  {item['sentence']}")
    if verify and not answer["intact"]:
        raise Conflict(f"the audit log is broken at entry {answer['broken_at']}")


@organize_app.command()
def boards(
    competition: Annotated[str, typer.Argument(show_default=False)], url: UrlOption = "", as_json: JsonOption = False
) -> None:
    """Recompute the digests of a competition's boards, and say where one breaks."""
    with open_client(url) as client:
        answer = client.verify_boards(competition)
    if as_json:
        print_json(answer)
    for item in [] if as_json else answer["items"]:
        end = "intact" if item["intact"] else f"broken at version {item['broken_at']}: {item['reason']}"
        print_line(f"{item['kind']} board, version {item['version']}, {item['digest']}: {end}")
    if not answer["intact"]:
        raise Conflict(f"a board of {competition} is not what its digests say")
