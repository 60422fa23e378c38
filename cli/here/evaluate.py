"""`lacuna evaluate`: score a submission on this machine, with the platform's own sandbox and evaluator."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.here.pool_cards import offer_card, take_card
from cli.here.validate import read_or_reject
from cli.show.console import make_console, print_error, print_json, print_line, print_note
from cli.show.files import check_writable, write_report
from cli.show.lazy import load
from cli.show.options import FileArgument, JsonOption
from cli.show.scorecard import render_scorecard, show_verdict
from client.failures import get_exit_of_verdict
from client.progress import StageProgress
from core.domain.exposure import Exposure, Reader, Sight
from core.domain.faults import HINTS
from core.problem_files import DEFAULT_PROBLEM, find_problem
from core.scorecard import dump_scorecard
from core.settings import Settings, get_settings

ProblemOption = Annotated[str, typer.Option(help="A problem's name (`lacuna problem list`) or a problem file.")]
SandboxOption = Annotated[str, typer.Option(help="auto, docker or bubblewrap.")]
LOG_LINES = 40


def evaluate(
    file: FileArgument,
    problem: ProblemOption = DEFAULT_PROBLEM,
    replicas: Annotated[
        int | None, typer.Option(min=16, help="Fewer replicas: faster, less certain, and usually a higher score.")
    ] = None,
    sandbox: SandboxOption = "",
    report: Annotated[
        Path | None, typer.Option(help="Where the HTML report goes.", show_default="FILE-report.html")
    ] = None,
    gate: Annotated[bool, typer.Option(help="Hold the compute budget.")] = True,
    card: Annotated[
        Path | None, typer.Option(help="Take the problem's pools from this pool card.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a submission here: no account, same sandbox and evaluator, one HTML report."""
    spec = find_problem(problem)
    read = read_or_reject(file, spec.given)
    target = report or Path(f"{file.stem}-report.html")
    check_writable(target)
    settings = get_settings()
    evaluate_submission = load("worker.local_evaluation", "evaluate_submission")
    if card is not None:
        take_card(card, spec)
    with StageProgress() as progress:
        found = evaluate_submission(
            spec,
            read.files,
            settings=settings,
            sandbox=open_sandbox(settings, sandbox),
            replicas=replicas,
            gate=gate,
            on_progress=offer_card(progress.update),
        )
    write_report(target, render_html(found, title=file.name, problem=spec.title))
    if as_json:
        print_json(_to_json(found, target))
    else:
        _print_result(found, target)
        if replicas is not None and replicas != spec.evaluation.replicas and found.scorecard is not None:
            print_note(
                f"scores of {replicas} and {spec.evaluation.replicas} replicas do not compare: fewer score higher"
            )
    raise typer.Exit(get_exit_of_verdict(found.verdict))


def open_sandbox(settings: Settings, option: str) -> Any:
    """The sandbox that the option names, else the one of the settings."""
    chosen = settings.model_copy(update={"sandbox": option}) if option else settings
    return load("worker.runner.choose", "choose_sandbox")(chosen)


def render_html(found: Any, *, title: str, problem: str) -> str:
    report = load("worker.report.page", "Report")(
        title=title,
        problem=problem,
        verdict=found.verdict,
        record=found.scorecard,
        detail=found.detail,
        code=found.code,
        reason=found.reason,
        log=found.log,
        traceback=found.traceback,
        relative_runtime=found.relative_runtime,
        sight=Sight(Reader.STAFF, Exposure.PRACTICE),  # of what is on this machine nothing is hidden from its owner
    )
    return str(load("worker.report.page", "render_report")(report))


def print_failure(*, code: Any, reason: str, log: str, traceback: str) -> None:
    """Everything the author of the code may know; at home that is all there is."""
    hint = HINTS[code] if code else ""
    if traceback and "lacuna doctor" in hint:  # where to see the traceback need not be said above it
        hint = ""
    print_error(f"{code}: {reason}" if code else reason, hint)
    if traceback:
        print_line(traceback)
    if log:
        lines = log.splitlines()
        print_line(f"printed by the code{f' (last {LOG_LINES} lines)' if len(lines) > LOG_LINES else ''}:")
        print_line("\n".join(lines[-LOG_LINES:]))


def _print_result(found: Any, target: Path) -> None:
    console = make_console()
    if found.scorecard is not None:
        console.print(render_scorecard(found.scorecard, verdict=found.verdict))
        if found.reason:
            print_note(found.reason)
    else:
        console.print(show_verdict(found.verdict))
        print_failure(code=found.code, reason=found.reason, log=found.log, traceback=found.traceback)
    print_line(f"report: {target}")


def _to_json(found: Any, target: Path) -> dict[str, Any]:
    return {
        "verdict": found.verdict,
        "code": found.code,
        "reason": found.reason,
        "scorecard": dump_scorecard(found.scorecard) if found.scorecard is not None else None,
        "relative_runtime": found.relative_runtime,
        "log": found.log,
        "traceback": found.traceback,
        "report": str(target),
    }
