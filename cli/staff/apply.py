"""`lacuna admin apply`: a competition from a file; what it would change is shown before it is done."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from cli.show.console import make_console, print_json, print_line, print_note
from cli.show.files import read_text
from cli.show.options import JsonOption, UrlOption
from cli.show.remote import open_client
from cli.show.tables import make_table
from client.failures import CommandFailed, Exit
from core.competition_file import make_plain, parse_competition_file
from core.domain.durations import show_duration
from core.domain.errors import InvalidInput
from core.domain.toml_text import write_toml
from core.problem_files import read_ids_files

JSON = dict[str, Any]


def apply(
    file: Annotated[Path, typer.Argument(help="A problem file with a [competition] table.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make or change a competition as its file says; a second time changes nothing."""
    values = read_file(file)
    slug = parse_competition_file(values, source=str(file)).problem.slug
    with open_client(url) as client:
        plan = client.apply_competition(slug, values, dry_run=True)
        if not as_json:
            _print_plan(plan)
        if plan["refused"]:
            raise CommandFailed(plan["refused"], exit_code=Exit.REFUSED)
        if not dry_run and (plan["effect"] == "nothing" or yes or _ask()):
            plan = client.apply_competition(slug, values, dry_run=False)
    if as_json:
        print_json(plan)
    elif plan["applied"]:
        print_line(f"{slug} is {plan['state']}")


def export(
    competition: Annotated[str, typer.Argument(help="Its short name.")],
    out: Annotated[
        Path | None, typer.Option("--output", "-o", "--out", help="Write it here.", show_default=False)
    ] = None,
    url: UrlOption = "",
) -> None:
    """Write a competition as its file, without its private and practice parts; applying that changes nothing."""
    with open_client(url) as client:
        text = write_toml(client.get_competition_file(competition))
    if out is None:
        print_line(text.rstrip())
        return
    out.write_text(text, encoding="utf-8")
    print_note(f"{out} is written")


def configured(url: UrlOption = "", as_json: JsonOption = False) -> None:
    """List every competition, drafts included: its data, how far its pools are, why it cannot go on."""
    with open_client(url) as client:
        found = client.list_configured()
    if as_json:
        print_json(found)
        return
    table = make_table()
    for name in ("competition", "state", "exposure", "models", "left", "data set", "fault"):
        table.add_column(name, no_wrap=name == "competition")
    for row in found:
        preparation = row["preparation"]
        left = preparation["seconds_left"]
        models = f"{preparation['finished']} of {preparation['total']}"
        data_set = (row["data_set"] or "–").split("@")
        named = "@".join([data_set[0], *(digest[:12] for digest in data_set[1:])])
        seconds = "–" if left is None else show_duration(left)
        table.add_row(row["slug"], row["state"], row["exposure"], models, seconds, named, Text(row["fault"]))
    make_console().print(table)


def read_file(path: Path) -> JSON:
    """Read the TOML as JSON; an `ids_file` of a request names a CSV file beside it, whose ids are put in its place."""
    try:
        values = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is not valid TOML: {error}") from None
    found: JSON = make_plain(read_ids_files(values, path.parent))
    return found


def _print_plan(plan: JSON) -> None:
    for change in plan["changes"]:
        if change["before"] is None:
            print_line(f"+ {change['field']} = {change['after']}")
        elif change["after"] is None:
            print_line(f"- {change['field']} = {change['before']}")
        else:
            print_line(f"~ {change['field']} = {change['after']}  (was {change['before']})")
    print_line(f"{plan['slug']}: {plan['consequence']}")


def _ask() -> bool:
    if typer.confirm("apply?", default=False):
        return True
    print_note("nothing was changed")
    return False
