"""The scorecard of a contest: one score for every original and request, their mean, and one record of all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.domain.pools import PoolKind
from core.storage import BlobStore
from evaluator import MetricVersion, Scorecard, score
from evaluator.averaging import average_scores
from worker.problems import LoadedProblem
from worker.replicas.outputs import ModelOutputs
from worker.scorecard.card import FinishedScore, RunFacts, compute_scorecard
from worker.scorecard.flags import FlagFacts
from worker.scorecard.joining import join_records
from worker.scorecard.scored import make_scored_pool, make_scoring_spec
from worker.training.pools import Pool


@dataclass(frozen=True, slots=True)
class RequestRuns:
    """All replicas of an evaluation that ran on one forget request, and what they are compared with."""

    problem: LoadedProblem
    outputs: ModelOutputs
    originals: npt.NDArray[np.int64]  # (R,) place of the original that each started from
    pools: Mapping[PoolKind, Pool]
    checks: FlagFacts


def compute_score(
    runs: Sequence[RequestRuns], facts: RunFacts, store: BlobStore, *, metric: MetricVersion
) -> FinishedScore:
    """The mean over originals and requests; of one of each, the scorecard of its pool and nothing else.

    facts: of the evaluation; its checks are each request's own.
    """
    finished = [
        compute_scorecard(
            each.problem, each.outputs, each.pools, replace(facts, checks=each.checks), store, metric=metric
        )
        for each in runs
    ]
    first = finished[0]
    if runs[0].problem.spec.pairs == 1:
        return first
    columns = [_score_originals(each, of_all.card, metric) for each, of_all in zip(runs, finished, strict=True)]
    cards = list(zip(*columns, strict=True))
    averaged = average_scores(cards)
    record = join_records([each.record for each in finished], cards, averaged)
    return replace(first, record=record, draws=averaged.draws, of_pictures=first.record)


def _score_originals(runs: RequestRuns, of_all: Scorecard, metric: MetricVersion) -> list[Scorecard]:
    """A scorecard for the replicas of each original; of_all: of all together."""
    spec, apart = runs.problem.spec, runs.problem.spec.pools.apart
    if apart == 1:
        return [of_all]
    bank = make_scored_pool(runs.problem, runs.pools[PoolKind.RETRAINED].outputs)
    rules = make_scoring_spec(spec.evaluation, metric)
    parts = (runs.outputs.select(np.flatnonzero(runs.originals == place)) for place in range(apart))
    return [score(make_scored_pool(runs.problem, part), bank, spec=rules) for part in parts]
