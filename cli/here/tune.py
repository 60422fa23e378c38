"""`lacuna tune`: look for better numbers of a method's file on a practice problem."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from cli.here.evaluate import ProblemOption, SandboxOption, open_sandbox
from cli.here.validate import read_or_reject
from cli.show.console import print_json, print_line, print_note
from cli.show.files import check_writable
from cli.show.numbers import show_percent, show_score
from cli.show.options import FileArgument, JsonOption
from cli.show.tables import Column, print_fitted
from client.failures import CommandFailed, Exit
from client.progress import StageProgress
from core.domain.errors import InvalidInput
from core.domain.intake.constants import Number, list_constants
from core.problem_files import DEFAULT_PROBLEM, find_problem
from core.problem_parts import MIN_REPLICAS
from core.problems import ProblemSpec, require_one_request
from core.settings import get_settings
from sandbox.contract import ENTRY_FILE
from worker.league.tuning import Goal, Range, Search, Tried, make_ranges, search
from worker.local_evaluation import evaluate_submission

VARY = "NAME=LOW:HIGH, as often as needed; else every positive number of the file, a factor of four either way."
RANGE = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?P<low>[^:]+):(?P<high>[^:]+)")
SHOWN = 10


def tune(
    file: FileArgument,
    problem: ProblemOption = DEFAULT_PROBLEM,
    vary: Annotated[list[str] | None, typer.Option(help=VARY, show_default=False)] = None,
    goal: Annotated[Goal, typer.Option(help="What is looked for: the most of score, the least of the others.")] = (
        Goal.SCORE
    ),
    trials: Annotated[int, typer.Option(min=1, help="Trials in all, those of earlier runs among them.")] = 20,
    minutes: Annotated[float, typer.Option(min=0.01, help="No trial begins later.")] = 30.0,
    replicas: Annotated[int, typer.Option(min=MIN_REPLICAS, help="Of each trial; scores of few are high.")] = 32,
    request_seed: Annotated[
        int | None, typer.Option(help="Look on another forget request, of this seed; its pools are trained first.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Where trials are kept, to go on from.", show_default="FILE-tune.log")
    ] = None,
    sandbox: SandboxOption = "",
    as_json: JsonOption = False,
) -> None:
    """Try numbers of a file on a practice problem, within bounds; started again, it goes on where it was stopped."""
    spec, settings = _ask(find_problem(problem), request_seed), get_settings()
    source = read_or_reject(file, spec.given).files[ENTRY_FILE].decode()
    ranges = make_ranges(list_constants(source), dict(map(_read_range, vary or ())))
    target = journal or Path(f"{file.stem}-tune.log")
    check_writable(target)
    box = open_sandbox(settings, sandbox)
    with StageProgress() as progress:

        def evaluate(files: Any) -> Any:
            return evaluate_submission(
                spec, files, settings=settings, sandbox=box, replicas=replicas, gate=True, on_progress=progress.update
            )

        found = search(
            spec,
            source,
            ranges,
            goal=goal,
            trials=trials,
            seconds=60 * minutes,
            journal=target,
            evaluate=evaluate,
            on_trial=lambda tried: print_note(_describe(tried)),
        )
    _show(found, file, goal, as_json)


def _ask(spec: ProblemSpec, seed: int | None) -> ProblemSpec:
    """The same problem with another request, so that what is found is scored on one that it never saw."""
    if seed is None:
        return spec
    require_one_request(spec, "`--request-seed`")
    if not spec.forget.seeds:
        raise InvalidInput(f"the request of {spec.slug} is drawn by no seed")
    body = spec.model_dump(mode="json")
    try:
        return ProblemSpec.model_validate({**body, "forget": {**body["forget"], "seed": seed}})
    except ValidationError as error:
        raise InvalidInput(f"--request-seed: {error.errors()[0]['msg']}") from None


def _read_range(text: str) -> tuple[str, Range]:
    found = RANGE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"{text!r} is no NAME=LOW:HIGH")
    low, high = (_read_number(found[end], text) for end in ("low", "high"))
    if not low < high:
        raise InvalidInput(f"{text!r}: the low end must be below the high one")
    return found["name"], Range(low, high, is_log=low > 0 and high / low >= 10)


def _read_number(word: str, text: str) -> Number:
    try:
        number = int(word) if re.fullmatch(r"[+-]?\d+", word.strip()) else float(word)
    except ValueError:
        raise InvalidInput(f"{text!r} is no NAME=LOW:HIGH") from None
    if number - number != 0:
        raise InvalidInput(f"{text!r}: both ends must be finite")
    return number


def _show(found: Search, file: Path, goal: Goal, as_json: bool) -> None:
    best = found.best
    if as_json:
        facts = [{"numbers": dict(each.numbers), **_tell(each)} for each in found.tried]
        print_json({"best": None if best is None else dict(best.numbers), "trials": facts})
        return
    if best is None:
        raise CommandFailed(f"none of {len(found.tried)} trials was scored within the budget", exit_code=Exit.FAILED)
    columns = (Column(goal.value.replace("_", " "), is_number=True), Column("runtime", is_number=True))
    shown = sorted((each for each in found.tried if each.value is not None), key=lambda each: each is not best)[:SHOWN]
    print_fitted(
        (Column("trial"), *columns, Column("verdict"), Column("numbers", may_wrap=True)),
        [
            (
                each.number,
                show_score(each.value),
                show_percent(each.relative_runtime),
                each.verdict.replace("_", " "),
                _write(each),
            )
            for each in shown
        ],
    )
    print_line(f"best of {len(found.tried)} trials, {found.kept} of them from before: {file}:{_write(best)}")
    print_line(f"score it with all replicas: lacuna bench '{file}:{_write(best)}'")


def _describe(tried: Tried) -> str:
    return f"trial {tried.number}: {show_score(tried.value)} ({tried.verdict.replace('_', ' ')}) {_write(tried)}"


def _tell(tried: Tried) -> dict[str, Any]:
    return {
        "trial": tried.number,
        "value": tried.value,
        "verdict": tried.verdict,
        "relative_runtime": tried.relative_runtime,
    }


def _write(tried: Tried) -> str:
    return ",".join(f"{name}={value:.4g}" for name, value in tried.numbers.items())
