"""`lacuna doctor`: real runs of a submission, and what they reveal before anything is uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.here.evaluate import SandboxOption, open_sandbox, print_failure
from cli.here.node_check import check_box
from cli.here.probe import ProbeReport, add_probe, read_probe, remove_probe, remove_probe_frame
from cli.here.validate import print_reading, read_file
from cli.show.console import print_json, print_line, print_note
from cli.show.files import find_upload
from cli.show.lazy import load
from cli.show.numbers import show_percent
from cli.show.options import FILE_HELP, JsonOption
from client.failures import CommandFailed, Exit, get_exit_of_verdict
from client.progress import StageProgress
from core.domain.calibration import ROUGH_RUNS
from core.domain.durations import show_duration
from core.domain.intake.batches import MAPPING_PROBLEM, BatchForm
from core.domain.intake.given import check_given
from core.domain.intake.report import SubmissionFiles
from core.domain.submission import VERDICT_OF_FAULT
from core.problem_files import DEFAULT_PROBLEM, find_problem
from core.problems import ProblemSpec
from core.settings import Settings, get_settings

SEEDS = (101, 202)
CLOCKS = {"cgroup": "all processor time of the box", "process": "processor time, without what hides from its parent"}

OptionalFile = Annotated[Path | None, typer.Argument(help=FILE_HELP, metavar="FILE", show_default=False)]
NodeOption = Annotated[bool, typer.Option("--node", help="Try what this machine's sandbox promises, as workers do.")]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    seconds_per_run: float
    retrain_seconds: float
    relative_runtime: float | None  # None: it could not be told
    low: float
    high: float
    clock: str
    budget: float
    replicas: int
    total_seconds: float
    identical: bool
    accuracy: dict[str, float]
    share: str  # what the accuracies are
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    log: str

    @property
    def over_budget(self) -> bool:
        """Surely: its author has more to fear from the server's measurement only if all of the interval is over."""
        return self.relative_runtime is not None and self.low > self.budget


def doctor(
    file: OptionalFile = None,
    problem: Annotated[
        str,
        typer.Option(
            help="A problem's name (`lacuna problem list`) or a problem file.",
            show_default=f"digits; {MAPPING_PROBLEM} for a file that reads batches by key or files of 2023",
        ),
    ] = "",
    sandbox: SandboxOption = "",
    node: NodeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a submission twice with different seeds and say what would go wrong, and what it would cost."""
    if node:
        raise typer.Exit(check_box(get_settings(), sandbox, as_json=as_json))
    if file is None:
        raise CommandFailed("give the file to look at, or --node", exit_code=Exit.REFUSED)
    _look_at(find_upload(file), problem, sandbox, as_json=as_json)


def _look_at(file: Path, problem: str, sandbox: str, *, as_json: bool) -> None:
    read = read_file(file)
    spec = find_problem(problem or _choose_problem(read))
    read = check_given(read, spec.given)
    if as_json:
        for warning in read.warnings:
            print_note(f"warning: {warning}")
    else:
        print_reading(file.name, read)
        print_line(f"problem: {spec.slug}")
    settings = get_settings()
    box = open_sandbox(settings, sandbox)
    with StageProgress() as progress:
        runs = _run(spec, add_probe(read.files), settings, box, progress, stage="replicas")
    fault = next((run for run in runs if run.fault is not None), None)
    if fault is not None:
        _print_fault(fault, as_json=as_json)
        raise typer.Exit(get_exit_of_verdict(VERDICT_OF_FAULT[fault.fault]))
    _check_platform(runs, "the submission")
    with StageProgress() as progress:
        measure = load("worker.local", "measure_cost")
        cost = measure(spec, read.files, settings=settings, sandbox=box, runs=ROUGH_RUNS, on_progress=progress.update)
    found = diagnose(runs, spec, cost=cost, workers=settings.workers)
    if as_json:
        print_json(_to_json(found))
    else:
        _print_diagnosis(found, sandbox=box.name)
    raise typer.Exit(Exit.FAILED if found.over_budget else Exit.SCORED)


def _choose_problem(read: SubmissionFiles) -> str:
    """The one in the shape of 2023 for what can be seen to need it."""
    return MAPPING_PROBLEM if read.batch_form == BatchForm.MAPPING or read.input_source else DEFAULT_PROBLEM


def diagnose(runs: Sequence[Any], spec: ProblemSpec, *, cost: Any, workers: int) -> Diagnosis:
    """What finished runs tell, and what they cost beside retraining, by the server's own measurement."""
    wall = min(float(run.wall_seconds) for run in runs)  # other work only ever makes a run slower
    replicas = spec.evaluation.replicas
    identical = _are_identical(runs)
    probe = read_probe(runs[0].log)
    budget = spec.evaluation.compute_budget
    runtime = cost.runtime
    return Diagnosis(
        seconds_per_run=wall,
        retrain_seconds=cost.retrain_seconds,
        relative_runtime=runtime.estimate if runtime else None,
        low=runtime.low if runtime else 0.0,
        high=runtime.high if runtime else 0.0,
        clock=str(cost.clock),
        budget=budget,
        replicas=replicas,
        total_seconds=wall * replicas / max(workers, 1),
        identical=identical,
        accuracy={
            part: sum(float(getattr(run.outputs, f"{part}_accuracy").mean()) for run in runs) / len(runs)
            for part in ("retain", "forget", "test")
        },
        share=load("sandbox.kinds.known", "KINDS")[spec.kind].targets.share,
        warnings=_find_warnings(identical=identical, runtime=runtime, budget=budget),
        notes=_find_notes(probe),
        log=remove_probe(runs[0].log),
    )


def _run(
    spec: ProblemSpec, files: dict[str, bytes], settings: Settings, sandbox: Any, progress: StageProgress, *, stage: str
) -> list[Any]:
    progress.update(stage, 0, len(SEEDS))
    run = load("worker.local", "run_replicas_locally")
    found: list[Any] = run(spec, files, settings=settings, sandbox=sandbox, seeds=SEEDS)
    progress.update(stage, len(found), len(SEEDS))
    return found


def _check_platform(runs: Sequence[Any], what: str) -> None:
    fault = next((run for run in runs if not run.is_good), None)
    if fault is not None:
        reason = fault.platform_fault or fault.reason
        raise CommandFailed(f"the sandbox could not run {what}: {reason}", exit_code=Exit.ERRORED)
    if len(runs) < len(SEEDS):
        raise CommandFailed(f"the sandbox ended before {what} did", exit_code=Exit.ERRORED)


def _are_identical(runs: Sequence[Any]) -> bool:
    first, *others = runs
    return all(bool((run.outputs.forget_logits == first.outputs.forget_logits).all()) for run in others)


def _find_warnings(*, identical: bool, runtime: Any, budget: float) -> tuple[str, ...]:
    found = []
    if identical:
        found.append(
            "both runs gave the same network although their seeds differ: every replica would, and such a pool is told"
            " apart from retrained models at once, so it scores near zero. Is a seed fixed inside the code?"
        )
    if runtime is None:
        found.append("what a run costs could not be told: no yardstick took any time beside it")
    elif runtime.low > budget:
        found.append(
            f"a run costs {show_percent(runtime.estimate)} of a retraining, surely more than"
            f" {show_percent(runtime.low)}; the budget is {show_percent(budget)}"
        )
    elif runtime.high > budget:
        found.append(
            f"a run may cost up to {show_percent(runtime.high)} of a retraining; the server measures longer, and ends"
            " only what is surely over the budget"
        )
    return tuple(found)


def _find_notes(probe: ProbeReport | None) -> tuple[str, ...]:
    if probe is None:
        return ("the returned network could not be looked at: the code prints too much",)
    notes = [f"unlearning() returned {probe.returned}"]
    if probe.training:
        notes.append("the network came back in train mode; it is judged in eval mode")
    unusual = [name for name in probe.dtypes if name not in ("float32", "int64")]
    if unusual:
        notes.append(f"tensors of type {', '.join(unusual)} are cast to the original's types")
    if not probe.same_schema:
        notes.append("names or shapes of the tensors differ from the original's")
    return tuple(notes)


def _print_fault(run: Any, *, as_json: bool) -> None:
    if as_json:
        said = {"ok": False, "code": run.fault, "reason": run.reason, "traceback": remove_probe_frame(run.traceback)}
        print_json({**said, "log": remove_probe(run.log)})
    else:
        print_failure(
            code=run.fault, reason=run.reason, log=remove_probe(run.log), traceback=remove_probe_frame(run.traceback)
        )


def _print_diagnosis(found: Diagnosis, *, sandbox: str) -> None:
    print_line(f"two runs in the {sandbox} sandbox ended well")
    print_line(
        f"time: {show_duration(found.seconds_per_run)} a run, {show_duration(found.retrain_seconds)} a retraining:"
        f" {_show_cost(found)} of a budget of {show_percent(found.budget)} ({CLOCKS[found.clock]})"
    )
    print_line(f"all {found.replicas} replicas on this machine: about {show_duration(found.total_seconds)}")
    accuracies = ", ".join(f"{part} {show_percent(value)}" for part, value in found.accuracy.items())
    print_line(f"{found.share}: {accuracies}")
    for note in found.notes:
        print_line(f"note: {note}")
    for warning in found.warnings:
        print_line(f"warning: {warning}")
    if found.log:
        print_line(f"printed by the code:\n{found.log}")


def _show_cost(found: Diagnosis) -> str:
    if found.relative_runtime is None:
        return "an unknown part"
    return f"{show_percent(found.relative_runtime)} ({show_percent(found.low)} to {show_percent(found.high)})"


def _to_json(found: Diagnosis) -> dict[str, Any]:
    return {
        "ok": not found.over_budget,
        "seconds_per_run": found.seconds_per_run,
        "retrain_seconds": found.retrain_seconds,
        "relative_runtime": found.relative_runtime,
        "low": found.low,
        "high": found.high,
        "clock": found.clock,
        "budget": found.budget,
        "total_seconds": found.total_seconds,
        "identical": found.identical,
        "accuracy": found.accuracy,
        "share": found.share,
        "warnings": list(found.warnings),
        "notes": list(found.notes),
        "log": found.log,
    }
