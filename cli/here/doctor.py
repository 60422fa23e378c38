"""`lacuna doctor`: two real runs of a submission, and what they reveal before anything is uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from cli.here.evaluate import ProblemOption, SandboxOption, open_sandbox, print_failure
from cli.here.probe import ProbeReport, add_probe, read_probe, remove_probe, remove_probe_frame
from cli.here.validate import print_reading, read_or_reject
from cli.show.console import print_json, print_line
from cli.show.lazy import load
from cli.show.numbers import show_percent
from cli.show.options import FileArgument, JsonOption
from client.failures import CommandFailed, Exit, get_exit_of_verdict
from client.progress import StageProgress
from core.domain.durations import show_duration
from core.domain.submission import VERDICT_OF_FAULT
from core.problems import Gate, ProblemSpec, find_problem
from core.settings import Settings, get_settings

SEEDS = (101, 202)
RETRAIN, IDLE = "retrain.py", "identity.py"  # what a run is measured against, and what starting one costs


@dataclass(frozen=True, slots=True)
class Diagnosis:
    seconds_per_run: float
    retrain_seconds: float
    relative_runtime: float
    budget: float
    replicas: int
    total_seconds: float
    identical: bool
    accuracy: dict[str, float]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    log: str

    @property
    def over_budget(self) -> bool:
        return self.relative_runtime > self.budget


def doctor(
    file: FileArgument, problem: ProblemOption = "digits", sandbox: SandboxOption = "", as_json: JsonOption = False
) -> None:
    """Run a submission twice with different seeds and say what would go wrong, and what it would cost."""
    spec = find_problem(problem)
    read = read_or_reject(file, data_bytes=spec.evaluation.data_bytes, quiet=not as_json)
    if not as_json:
        print_reading(file.name, read)
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
        retrains = _run(spec, _load_baseline(RETRAIN, spec), settings, box, progress, stage="retraining")
        idles = _run(spec, _load_baseline(IDLE, spec), settings, box, progress, stage="idling")
    for baseline in (retrains, idles):
        _check_platform(baseline, "the baselines")
    found = diagnose(runs, spec, retrains=retrains, idles=idles, workers=settings.workers)
    if as_json:
        print_json(_to_json(found))
    else:
        _print_diagnosis(found, sandbox=box.name)
    raise typer.Exit(Exit.FAILED if found.over_budget else Exit.SCORED)


def diagnose(
    runs: Sequence[Any], spec: ProblemSpec, *, retrains: Sequence[Any], idles: Sequence[Any], workers: int
) -> Diagnosis:
    """Judge finished replicas against retraining; what doing nothing costs is taken off either side."""
    wall, retrain_wall = _fastest(runs, "wall_seconds"), _fastest(retrains, "wall_seconds")
    replicas = spec.evaluation.replicas
    identical = _are_identical(runs)
    probe = read_probe(runs[0].log)
    budget = spec.evaluation.compute_budget
    clocks = ("cpu_seconds",) if spec.evaluation.gate is Gate.CPU else ("cpu_seconds", "wall_seconds")
    relative = max(_compare(runs, retrains, idles, clock) for clock in clocks)
    return Diagnosis(
        seconds_per_run=wall,
        retrain_seconds=retrain_wall,
        relative_runtime=relative,
        budget=budget,
        replicas=replicas,
        total_seconds=wall * replicas / max(workers, 1),
        identical=identical,
        accuracy={
            part: sum(float(getattr(run.outputs, f"{part}_accuracy").mean()) for run in runs) / len(runs)
            for part in ("retain", "forget", "test")
        },
        warnings=_find_warnings(identical=identical, relative=relative, budget=budget),
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


def _load_baseline(filename: str, spec: ProblemSpec) -> dict[str, bytes]:
    source: bytes = load("worker.replicas.calibration", "make_calibration_source")(filename, spec)
    return {"submission.py": source}


def _check_platform(runs: Sequence[Any], what: str) -> None:
    fault = next((run for run in runs if not run.is_good), None)
    if fault is not None:
        reason = fault.platform_fault or fault.reason
        raise CommandFailed(f"the sandbox could not run {what}: {reason}", exit_code=Exit.ERRORED)
    if len(runs) < len(SEEDS):
        raise CommandFailed(f"the sandbox ended before {what} did", exit_code=Exit.ERRORED)


def _compare(runs: Sequence[Any], retrains: Sequence[Any], idles: Sequence[Any], clock: str) -> float:
    idle = _fastest(idles, clock)
    retraining = _fastest(retrains, clock) - idle
    return max(_fastest(runs, clock) - idle, 0.0) / retraining if retraining > 0 else 0.0


def _fastest(runs: Sequence[Any], name: str) -> float:
    # Other work on the machine only ever makes a run slower, so the faster of two says more than their mean.
    return min(float(getattr(run, name)) for run in runs)


def _are_identical(runs: Sequence[Any]) -> bool:
    first, *others = runs
    return all(bool((run.outputs.forget_logits == first.outputs.forget_logits).all()) for run in others)


def _find_warnings(*, identical: bool, relative: float, budget: float) -> tuple[str, ...]:
    found = []
    if identical:
        found.append(
            "both runs gave the same network although their seeds differ: every replica would, and such a pool is told"
            " apart from retrained models at once, so it scores near zero. Is a seed fixed inside the code?"
        )
    if relative > budget:
        found.append(f"a run costs {show_percent(relative)} of a retraining; the budget is {show_percent(budget)}")
    elif relative > 0.8 * budget:
        found.append(
            f"a run costs {show_percent(relative)} of a retraining, close to the budget; two runs measure roughly"
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
        f" {show_percent(found.relative_runtime)} of a budget of {show_percent(found.budget)}"
        f" (a rough figure, from two runs each)"
    )
    print_line(f"all {found.replicas} replicas on this machine: about {show_duration(found.total_seconds)}")
    accuracies = ", ".join(f"{part} {show_percent(value)}" for part, value in found.accuracy.items())
    print_line(f"accuracy: {accuracies}")
    for note in found.notes:
        print_line(f"note: {note}")
    for warning in found.warnings:
        print_line(f"warning: {warning}")
    if found.log:
        print_line(f"printed by the code:\n{found.log}")


def _to_json(found: Diagnosis) -> dict[str, Any]:
    return {
        "ok": not found.over_budget,
        "seconds_per_run": found.seconds_per_run,
        "retrain_seconds": found.retrain_seconds,
        "relative_runtime": found.relative_runtime,
        "budget": found.budget,
        "total_seconds": found.total_seconds,
        "identical": found.identical,
        "accuracy": found.accuracy,
        "warnings": list(found.warnings),
        "notes": list(found.notes),
        "log": found.log,
    }
