"""`lacuna demo`: the whole platform from nothing to a leaderboard, every step through the API as anyone would do it."""

import secrets
import time
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.here.processes import LocalPlatform, end_on_sigterm
from cli.here.up import stay, with_options
from cli.show.board import render_board
from cli.show.console import make_console
from client.failures import CommandFailed, Exit
from client.http import LacunaClient
from core.db.queries.users import set_role
from core.db.session import get_engine, transaction
from core.domain.access import Role
from core.domain.competition import CompetitionState, PreparationStage
from core.domain.errors import Conflict, PlatformFault
from core.domain.leaderboard import Purpose
from core.domain.submission import Status, Verdict
from core.problem_files import DEFAULT_PROBLEM, find_problem
from core.settings import get_settings

REFERENCE = "retrain"  # costs what retraining costs: shown with the gate lifted, without a rank
FIRST = "finetune"  # the first score comes from the entry that everybody starts from
ENTRIES = ("finetune", "gradient_ascent", "identity", "kookmin", "neggrad_plus", "random_labels", "vision_confusion")
POLL_SECONDS = 0.25
PREPARE_SECONDS = 1200.0
ENTRY_SECONDS = 1800.0


def demo(
    exit_: Annotated[bool, typer.Option("--exit", help="end after the leaderboard instead of staying up")] = False,
    port: Annotated[int | None, typer.Option(help="port of the site and API")] = None,
    data_folder: Annotated[Path | None, typer.Option(help="where everything is kept")] = None,
) -> None:
    """Start everything here, build the default problem's pools, enter eight baselines, show the leaderboard."""
    started = time.monotonic()
    spec = find_problem(DEFAULT_PROBLEM)
    settings = with_options(get_settings(), port=port, data_folder=data_folder)
    console = make_console()
    console.print(f"[bold]Lacuna[/bold] · {spec.title} · {spec.evaluation.replicas} replicas an entry")
    end_on_sigterm()
    with LocalPlatform(settings, [spec]) as platform:
        console.print(f"site up at {platform.url} after {time.monotonic() - started:.0f} s")
        _wait_until_open(console, platform)
        console.print(f"pools trained and retraining calibrated after {time.monotonic() - started:.0f} s")
        password = _password(settings.data_folder)
        failed: list[str] = []
        for names in ([FIRST], list_others()):  # the others would share the workers with the first
            entries = {name: _submit(platform, name, password) for name in names}
            failed += _follow(console, platform, entries)
            if names == [FIRST]:
                console.print(f"first score {time.monotonic() - started:.0f} s after the start")
        board = LacunaClient(platform.url).get_leaderboard(DEFAULT_PROBLEM)
        console.print(render_board(board))
        console.print(f"all entries scored {time.monotonic() - started:.0f} s after the start")
        if failed:
            raise CommandFailed(f"not every baseline ended as it should: {', '.join(failed)}", exit_code=Exit.FAILED)
        if not exit_:
            console.print(
                f"The site stays up at [bold]{platform.url}/competitions/{DEFAULT_PROBLEM}[/bold] · Ctrl-C stops it"
            )
            stay(platform, console)


def list_others() -> list[str]:
    """Names of the entries but the first, the reference last."""
    return [*(name for name in ENTRIES if name != FIRST), REFERENCE]


def _password(folder: Path) -> str:
    """One password for the demo's accounts, kept so that a second demo can log in again."""
    path = folder / "demo-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(18))
    return path.read_text()


def _wait_until_open(console: Console, platform: LocalPlatform) -> None:
    client = LacunaClient(platform.url)
    deadline = time.monotonic() + PREPARE_SECONDS
    with _progress(console) as bars:
        bar = bars.add_task("training pools", total=None)
        while time.monotonic() < deadline:
            platform.check()
            competition = client.get_competition(DEFAULT_PROBLEM)
            if competition["state"] == CompetitionState.OPEN:
                return
            preparation = competition["preparation"]
            if competition["fault"]:
                raise PlatformFault(competition["fault"])
            bars.update(bar, completed=preparation["finished"], total=preparation["total"] or None)
            if preparation["stage"] == PreparationStage.CALIBRATION:
                bars.update(bar, description="calibrating retraining")
            time.sleep(POLL_SECONDS)
    raise PlatformFault(f"the competition did not open within {PREPARE_SECONDS:.0f} s")


def _submit(platform: LocalPlatform, name: str, password: str) -> str:
    """Register an account for a baseline and upload it; return the submission's id."""
    purpose = Purpose.RANKED
    with LacunaClient(platform.url) as client:
        with suppress(Conflict):  # a demo was here before
            client.register(name, password)
        if name == REFERENCE:
            with transaction(get_engine(platform.settings.resolved_database_url)) as session:
                set_role(session, name, Role.ORGANIZER)
            purpose = Purpose.REFERENCE
        client.create_token(name, password)
        source = files("baselines").joinpath(f"{name}.py").read_bytes()
        answer = client.submit(DEFAULT_PROBLEM, f"{name}.py", source, note=f"the {name} baseline", purpose=purpose)
    return str(answer["id"])


def _follow(console: Console, platform: LocalPlatform, entries: dict[str, str]) -> list[str]:
    """Show every entry move replica by replica; return the names of those that ended by an error."""
    client = LacunaClient(platform.url)
    waiting = dict(entries)
    failed: list[str] = []
    deadline = time.monotonic() + ENTRY_SECONDS
    with _progress(console) as bars:
        tasks = {name: bars.add_task(name, total=None) for name in entries}
        while waiting and time.monotonic() < deadline:
            platform.check()
            for name, submission_id in list(waiting.items()):
                state = client.get_submission(submission_id)
                progress = state["progress"]
                line = f"{name:<18} {state['status']}"
                bars.update(tasks[name], description=line, completed=progress["finished"], total=progress["total"])
                if state["status"] == Status.FINISHED:
                    del waiting[name]
                    if state["verdict"] not in (Verdict.SCORED, Verdict.OVER_BUDGET):
                        failed.append(f"{name} ({state['verdict']}: {state['reason']})")
                    bars.update(tasks[name], description=_summary(name, state))
            time.sleep(POLL_SECONDS)
    return [*failed, *(f"{name} (still {client.get_submission(i)['status']})" for name, i in waiting.items())]


def _summary(name: str, state: dict[str, Any]) -> str:
    score = "" if state["score"] is None else f" {state['score']['estimate']:.3f}"
    return f"{name:<18} {state['verdict']}{score}"


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
