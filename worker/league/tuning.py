"""Looks for better numbers of a method's file on a practice problem: bounded, and resumed where it was stopped."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState

from core.domain.errors import InvalidInput
from core.domain.exposure import Exposure
from core.domain.intake.constants import Number, list_constants, set_constants
from core.domain.submission import Verdict
from core.problems import ProblemSpec
from core.scorecard import ScorecardRecord
from sandbox.contract import ENTRY_FILE
from worker.local_evaluation import LocalEvaluation

REACH = 4.0  # how far from its value in the file a number is looked for, as a factor
Evaluate = Callable[[Mapping[str, bytes]], LocalEvaluation]


class Goal(StrEnum):
    """What is looked for; Avg. Gap and Avg.D are the choices of the literature."""

    SCORE = "score"
    AVG_GAP = "avg_gap"
    AVG_D = "avg_d"


@dataclass(frozen=True, slots=True)
class Range:
    """Where a number may lie; whole numbers stay whole, and what is far from 0 on both sides is tried by its size."""

    low: Number
    high: Number
    is_log: bool

    def suggest(self, trial: optuna.Trial, name: str) -> Number:
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high)
        return trial.suggest_float(name, self.low, self.high, log=self.is_log)


@dataclass(frozen=True, slots=True)
class Tried:
    """One set of numbers and what came of it; no value where it failed."""

    number: int
    numbers: Mapping[str, Number]
    value: float | None
    verdict: str
    relative_runtime: float | None


@dataclass(frozen=True, slots=True)
class Search:
    tried: tuple[Tried, ...]
    best: Tried | None
    kept: int  # of `tried`, from before


def make_ranges(numbers: Mapping[str, Number], asked: Mapping[str, Range]) -> dict[str, Range]:
    """What was asked for; else every positive number of the file, a factor of four either way."""
    unknown = [name for name in asked if name not in numbers]
    if unknown:
        raise InvalidInput(f"no such number: {unknown[0]}; the file has {', '.join(numbers) or 'none'}")
    ranges = dict(asked) or {name: _surround(value) for name, value in numbers.items() if value > 0}
    if not ranges:
        raise InvalidInput("the file has no number to look for: assign some to names in capitals at its top level")
    return ranges


def search(
    spec: ProblemSpec,
    source: str,
    ranges: Mapping[str, Range],
    *,
    goal: Goal,
    trials: int,
    seconds: float,
    journal: Path,
    evaluate: Evaluate,
    on_trial: Callable[[Tried], None],
) -> Search:
    """Try until there are so many trials in the journal or the time is over; the first is the file as it is."""
    if spec.exposure is not Exposure.PRACTICE:
        raise InvalidInput(f"{spec.slug} is no practice problem: what ranks may not be searched on")
    study = _open_study(spec, source, ranges, goal, journal)
    kept = _count(study)
    if not study.get_trials(deepcopy=False):
        own = {name: value for name, value in list_constants(source).items() if name in ranges}
        study.enqueue_trial(own, skip_if_exists=True)

    def run(trial: optuna.Trial) -> float:
        numbers = {name: place.suggest(trial, name) for name, place in ranges.items()}
        found = evaluate({ENTRY_FILE: set_constants(source, numbers).encode()})
        runtime = found.relative_runtime
        trial.set_user_attr("verdict", str(found.verdict))
        trial.set_user_attr("relative_runtime", runtime)
        value = _judge(found, goal, spec.evaluation.compute_budget)
        if value is None:
            raise optuna.TrialPruned
        return value

    def tell(_: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        on_trial(_describe(trial))

    if kept < trials:
        study.optimize(run, n_trials=trials - kept, timeout=seconds, callbacks=[tell])
    tried = tuple(_describe(trial) for trial in study.get_trials(deepcopy=False) if trial.state.is_finished())
    return Search(tried, _find_best(tried, goal), kept)


def _surround(value: Number) -> Range:
    if isinstance(value, int):
        return Range(max(value // 2, 1), 2 * value, is_log=False)
    return Range(value / REACH, value * REACH, is_log=True)


def _open_study(spec: ProblemSpec, source: str, ranges: Mapping[str, Range], goal: Goal, journal: Path) -> optuna.Study:
    """Another source, problem, request, range or goal is another study in the same journal."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    told = [source, spec.digest, goal, {name: [each.low, each.high] for name, each in ranges.items()}]
    name = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    try:
        storage = JournalStorage(JournalFileBackend(str(journal)))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"the journal {journal} cannot be read: {error}") from None
    direction = StudyDirection.MAXIMIZE if goal is Goal.SCORE else StudyDirection.MINIMIZE
    study = optuna.create_study(storage=storage, study_name=name, direction=direction, load_if_exists=True)
    study.sampler = optuna.samplers.TPESampler(seed=len(study.get_trials(deepcopy=False)))
    return study


def _count(study: optuna.Study) -> int:
    return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))


def _judge(found: LocalEvaluation, goal: Goal, budget: float) -> float | None:
    """What is over the budget is worse than anything affordable, and the worse the dearer it is."""
    record = found.scorecard
    if record is None:
        return None
    if found.verdict is Verdict.OVER_BUDGET:
        excess = max(record.relative_runtime.estimate - budget, 0.0)
        return -excess if goal is Goal.SCORE else 1000.0 + excess
    return record.score.estimate if goal is Goal.SCORE else _find_metric(record, goal)


def _find_metric(record: ScorecardRecord, goal: Goal) -> float | None:
    return next((line.value for line in record.metrics or () if line.id == goal), None)


def _describe(trial: optuna.trial.FrozenTrial) -> Tried:
    return Tried(
        number=trial.number,
        numbers=dict(trial.params),
        value=trial.value if trial.state is TrialState.COMPLETE else None,
        verdict=str(trial.user_attrs.get("verdict", "failed")),
        relative_runtime=trial.user_attrs.get("relative_runtime"),
    )


def _find_best(tried: Sequence[Tried], goal: Goal) -> Tried | None:
    """Among what was scored within the budget."""
    scored = [each for each in tried if each.value is not None and each.verdict == Verdict.SCORED]
    if not scored:
        return None
    choose = max if goal is Goal.SCORE else min
    return choose(scored, key=lambda each: each.value or 0.0)
