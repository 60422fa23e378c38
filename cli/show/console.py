"""Where a command writes: results to stdout, progress and errors to stderr, plain text when nobody watches."""

import importlib.metadata
import json
from collections.abc import Iterable
from typing import Any

import typer
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.text import Text
from typer.core import TyperGroup

from cli.show.streams import is_unicode, settle_streams
from client.failures import Exit, get_exit_of_error
from core.domain.errors import ContestError, ParticipantFault
from core.domain.visible import make_visible

PLAIN_WIDTH = 160  # of a pipe or file: wide enough that no table column is cut


class VisibleConsole(Console):
    """Whatever is printed, characters that cannot be seen or turn text around come out as escapes."""

    def render(self, renderable: Any, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=make_visible(segment.text))


def make_console(*, stderr: bool = False) -> Console:
    console = VisibleConsole(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console = VisibleConsole(stderr=stderr, highlight=False, width=PLAIN_WIDTH)
    return console


def print_line(text: str = "") -> None:
    """Print words as they are: foreign text may look like markup."""
    make_console().print(Text(text), soft_wrap=True)


def print_version(wanted: bool) -> None:
    """Of what is installed, and nothing else."""
    if wanted:
        typer.echo(f"lacuna {importlib.metadata.version('lacuna')}")
        raise typer.Exit


def print_note(text: str) -> None:
    make_console(stderr=True).print(Text(text), soft_wrap=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=not is_unicode()))


def print_answer(answer: Any, words: str, *, as_json: bool) -> None:
    """What a server answered to a deed: in words, or all of it."""
    print_json(answer) if as_json else print_line(words)


def print_error(message: str, hint: str = "") -> None:
    console = make_console(stderr=True)
    console.print(Text.assemble(("error: ", "bold red"), " ".join(message.split())), soft_wrap=True)
    if hint:
        console.print(Text(f"hint: {hint}"), soft_wrap=True)


def print_contest_error(error: ContestError) -> Exit:
    code = f"{error.code}: " if isinstance(error, ParticipantFault) else ""
    print_error(f"{code}{error.message}", str(getattr(error, "hint", "")))
    return get_exit_of_error(error)


def print_system_error(error: OSError) -> Exit:
    place = f"{error.filename}: " if error.filename else ""
    print_error(f"{place}{error.strerror or error}")
    return Exit.REFUSED


class ReadableGroup(TyperGroup):
    """Commands whose expected failures are one line and an exit code, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ContestError as error:
            raise typer.Exit(print_contest_error(error)) from None
        except BrokenPipeError:
            settle_streams()
            raise typer.Exit(Exit.SCORED) from None
        except OSError as error:
            raise typer.Exit(print_system_error(error)) from None
        except KeyboardInterrupt:
            print_error("interrupted")
            raise typer.Exit(Exit.INTERRUPTED) from None
