"""`lacuna up`: run everything on this machine until Ctrl-C."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.here.processes import LocalPlatform, end_on_sigterm
from core.problem_files import DEFAULT_PROBLEM, find_problem
from core.settings import Settings, get_settings


def up(
    problem: Annotated[list[str] | None, typer.Option(help="problem to open as a competition; may repeat")] = None,
    port: Annotated[int | None, typer.Option(help="port of the site and API")] = None,
    data_folder: Annotated[Path | None, typer.Option(help="where everything is kept")] = None,
) -> None:
    """Run broker, worker, janitor and site here, and open competitions on the given problems."""
    specs = [find_problem(name) for name in problem or [DEFAULT_PROBLEM]]
    settings = with_options(get_settings(), port=port, data_folder=data_folder)
    console = Console()
    end_on_sigterm()
    with LocalPlatform(settings, specs) as platform:
        console.print(f"Lacuna is up at [bold]{platform.url}[/bold] · data in {settings.data_folder} · Ctrl-C stops it")
        stay(platform, console)


def with_options(settings: Settings, *, port: int | None, data_folder: Path | None) -> Settings:
    changes: dict[str, object] = {}
    if port is not None:
        changes["api_port"] = port
    if data_folder is not None:
        changes["data_folder"] = data_folder
    return settings.model_copy(update=changes)


def stay(platform: LocalPlatform, console: Console) -> None:
    """Watch the children until Ctrl-C, and say which of them had to be started again."""
    try:
        while True:
            for name in platform.check():
                console.print(f"[bold yellow]the {name} process had ended and was started again[/bold yellow]")
            time.sleep(1.0)
    except KeyboardInterrupt:
        return
