"""Every method under one problem: side by side, each kept as soon as it ends."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import PlatformFault
from core.domain.submission import Verdict
from core.problems import ProblemSpec, require_one_request
from core.scorecard import dump_scorecard
from core.settings import Settings
from evaluator import METRIC_VERSION
from worker.league.references import make_references
from worker.league.rows import Entry, LeagueRow, RowPlace
from worker.league.table import TableRow
from worker.local import Progress, calibrate, open_bench
from worker.local_evaluation import LocalEvaluation, evaluate_submission
from worker.runner.base import Sandbox
from worker.training.pools import pool_sizes

Render = Callable[[LocalEvaluation, str], str]  # a method's result and name → its report as HTML


@dataclass(frozen=True, slots=True)
class League:
    rows: tuple[LeagueRow, ...]
    references: tuple[TableRow, ...]
    kept: int  # rows that were there before


def run_league(
    spec: ProblemSpec,
    entries: Sequence[Entry],
    *,
    settings: Settings,
    sandbox: Sandbox,
    replicas: int,
    folder: Path,
    jobs: int,
    render: Render,
    on_progress: Progress,
) -> League:
    """Run what has not run; without a gate, so that what is over the budget is measured and marked."""
    require_one_request(spec, "`lacuna bench`")
    bench = open_bench(spec, settings, sandbox, pool_sizes(spec), on_progress)
    retrain = calibrate([bench], on_progress, count=spec.evaluation.calibration_replicas)
    references = make_references(bench, retrain, replicas)
    places = [RowPlace(folder, entry, spec, replicas, sandbox.name) for entry in entries]
    rows = {place.stem: row for place in places if (row := place.load()) is not None}
    missing = list({place.stem: place for place in places if place.stem not in rows}.values())
    kept, total = len(rows), len(rows) + len(missing)
    on_progress("methods", kept, total)
    shared = settings.model_copy(update={"workers": max(settings.workers // jobs, 1)})

    def run(place: RowPlace) -> LeagueRow:
        row = _run_entry(place, shared, sandbox, render, on_progress)
        place.store(row)
        return row

    with ThreadPoolExecutor(jobs) as pool:
        for place, row in zip(missing, pool.map(run, missing), strict=True):
            rows[place.stem] = row
            on_progress("methods", len(rows), total)
    return League(tuple(rows[place.stem] for place in places), references, kept)


def _run_entry(
    place: RowPlace, settings: Settings, sandbox: Sandbox, render: Render, on_progress: Progress
) -> LeagueRow:
    entry, started = place.entry, time.monotonic()
    if entry.refusal:
        return _make_row(place, Verdict.REJECTED, reason=entry.refusal, seconds=0.0)

    def report(stage: str, done: int, total: int) -> None:
        if stage == "replicas":
            on_progress(entry.name, done, total)

    try:
        found = evaluate_submission(
            place.spec,
            entry.files,
            settings=settings,
            sandbox=sandbox,
            replicas=place.replicas,
            gate=False,
            on_progress=report,
        )
    except PlatformFault as fault:
        return _make_row(place, Verdict.PLATFORM_ERROR, reason=str(fault), seconds=time.monotonic() - started)
    target = place.folder / place.report
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(found, entry.name), encoding="utf-8")
    return _make_row(
        place,
        _judge(found),
        code=found.code or "",
        reason=found.reason,
        seconds=time.monotonic() - started,
        report=place.report,
        scorecard=dump_scorecard(found.scorecard) if found.scorecard is not None else None,
    )


def _judge(found: LocalEvaluation) -> Verdict:
    """The gate is read, not held: a run that costs too much is scored all the same."""
    record = found.scorecard
    return Verdict.OVER_BUDGET if record is not None and record.relative_runtime.over_budget else found.verdict


def _make_row(place: RowPlace, verdict: Verdict, **facts: object) -> LeagueRow:
    return LeagueRow.model_validate(
        {
            "name": place.entry.name,
            "source_digest": place.entry.digest,
            "problem_digest": place.spec.digest,
            "replicas": place.replicas,
            "sandbox": place.sandbox,
            "metric_version": METRIC_VERSION,
            "verdict": verdict,
            **facts,
        }
    )
