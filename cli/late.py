"""Commands whose modules are slow to import: listed by name and help, loaded when one of them is called."""

from dataclasses import dataclass
from typing import Any

import typer
from typer.main import get_command

from cli.show.console import ReadableGroup
from cli.show.lazy import load
from cli.show.naming import place_competition


@dataclass(frozen=True, slots=True)
class LateCommand:
    module: str
    words: str  # what is typed after `lacuna`
    help: str
    panel: str = ""

    @property
    def name(self) -> str:
        return self.words.split()[-1]


LATE_COMMANDS = {
    command.words: command
    for command in (
        LateCommand("cli.here.demo", "demo", "From nothing to a leaderboard, eight baselines entered.", "This machine"),
        LateCommand("cli.here.bench", "bench", "Every method under one problem, in one table.", "This machine"),
        LateCommand("cli.here.score", "score", "Score pools of margins or logits from files.", "This machine"),
        LateCommand("cli.here.tune", "tune", "Look for better numbers of a method's file.", "This machine"),
        LateCommand("cli.here.up", "up", "Run the whole platform on this machine until Ctrl-C.", "This machine"),
        LateCommand("cli.here.grant", "grant", "Give an account a role.", "Organizers"),
        LateCommand(
            "cli.here.backup", "admin backup", "Copy this machine's platform to a folder or URL, while it runs."
        ),
        LateCommand("cli.here.backup", "admin restore", "Bring a backup back into an empty database and store."),
    )
}


class LateGroup(ReadableGroup):
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        late = LATE_COMMANDS.get(_name_group(ctx) + args[0]) if args else None
        if late is None:
            name, command, rest = super().resolve_command(ctx, args)
            return name, command, place_competition(command, rest) if command else rest
        return late.name, _load_command(late), args[1:]


def list_late_commands(app: typer.Typer, group: str = "") -> None:
    """Give the help its lines; what they call is never run, `resolve_command` puts the real one in its place."""
    for late in LATE_COMMANDS.values():
        if late.words == f"{group} {late.name}".strip():
            app.command(late.name, help=late.help, rich_help_panel=late.panel or None)(_stand_in)


def _name_group(ctx: Any) -> str:
    return f"{ctx.info_name} " if ctx.parent else ""


def _load_command(late: LateCommand) -> Any:
    own = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    own.command(late.name)(load(late.module, late.name))
    return get_command(own)


def _stand_in() -> None:
    raise AssertionError("a late command was called before it was loaded")
