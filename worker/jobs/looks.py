"""One look at a running evaluation: is it decidedly behind the entry at the place that counts? Load → work → apply.

A look may come twice, late or not at all: it reads what is there, and its one consequence happens under the row's
lock. Whatever goes wrong here costs replicas, never a verdict.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import structlog
from sqlalchemy.orm import Session

from core.db.models.submissions import Evaluation, Shard
from core.db.queries import boards, evaluations
from core.db.session import reading, transaction
from core.domain.errors import BlobMissing, PlatformFault
from core.domain.leaderboard import Purpose
from core.domain.pools import PoolKind
from core.domain.submission import Status
from core.domain.work import WorkState
from core.jobs import SCORE, enqueue
from core.problem_parts import MIN_REPLICAS, AdaptivePart, EvaluationPart
from core.problems import ProblemSpec
from core.scorecard import EarlyDecision
from core.storage import BlobStore, find_computed
from core.terms import Terms
from evaluator import ScoredPool, ScoringProtocol
from evaluator.sequential import (
    LOOK_RESAMPLES,
    Look,
    PlaceDecision,
    Standing,
    average_looks,
    compute_look,
    decide_place,
)
from worker.jobs.context import WorkerContext
from worker.jobs.repair import rerun_lost, send_lost_chunks
from worker.problems import LoadedProblem
from worker.replicas.outputs import concat_outputs, load_npz
from worker.scorecard.scored import make_scored_pool, make_scoring_spec, read_metric
from worker.training.pools import load_pool

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What of one shard is compared."""

    request: int
    first: int
    outputs: str  # digest


@dataclass(frozen=True, slots=True)
class LookWork:
    """What one look compares: the entry's first replicas, and as many of the rival's."""

    evaluation_id: str
    problem_id: str
    terms: Terms
    rules: AdaptivePart
    replicas: int
    shards: tuple["LookedAt", ...]
    rival: str  # a submission
    rival_shards: tuple["LookedAt", ...]


def is_look_due(evaluation: Evaluation, shard_first: int, *, purpose: Purpose, rules: EvaluationPart) -> bool:
    """Whether the shard that begins at `shard_first` made the unbroken prefix long enough to decide anything."""
    adaptive = rules.adaptive
    if adaptive is None or purpose != Purpose.RANKED or evaluation.status != Status.RUNNING:
        return False
    if evaluation.rejudge_id is not None:  # it may be why the places are wrong: every replica runs
        return False
    if evaluation.decided_early:  # and runs again what was lost of it
        return False
    done = count_replicas(find_prefix(evaluation.shards))
    return shard_first < done and adaptive.min_replicas <= done < evaluation.replicas_total


def find_prefix(shards: Sequence[Shard]) -> list[Shard]:
    """The finished shards from the first on, up to the first that is not: replicas are compared in their order."""
    prefix: list[Shard] = []
    for shard in sorted(shards, key=lambda shard: shard.position):
        if shard.state != WorkState.DONE:
            break
        prefix.append(shard)
    return prefix


def count_replicas(shards: Sequence[Shard]) -> int:
    return sum(shard.count for shard in shards)


def decide_evaluation(context: WorkerContext, evaluation_id: str) -> None:
    """Stop one evaluation if its place is decided; safe to deliver twice, and safe to lose."""
    work = _load(context, evaluation_id)
    if work is None:
        return
    try:
        decision = _work(context, work)
    except BlobMissing as lost:  # the shard that is made again asks for the next look; a rival's is not
        log.warning("a look found outputs gone", evaluation_id=evaluation_id, rival=work.rival, reason=lost.message)
        if not rerun_lost(context, evaluation_id):
            send_lost_chunks(context, work.problem_id)
        return
    log.info(
        "looked at a running evaluation",
        evaluation_id=evaluation_id,
        rival=work.rival,
        replicas=decision.replicas,
        standing=decision.standing,
        difference=decision.difference,
        low=decision.low,
        high=decision.high,
    )
    if decision.standing is Standing.behind:
        _apply(context, work, decision)


def describe_decision(store: BlobStore, evaluation_id: str, terms: Terms, *, after: int) -> EarlyDecision:
    """The scorecard's account of an early end; what a rival's score could be told from is there on open problems."""
    details = _load_details(store, evaluation_id)
    adaptive = terms.evaluation.adaptive
    if adaptive is None:
        raise PlatformFault("an evaluation was ended early whose terms let all replicas run")
    return EarlyDecision(
        standing=Standing.behind,
        rival_place=adaptive.rival_place,
        alpha=adaptive.alpha,
        after=after,
        of=terms.evaluation.replicas,
        **details,
    )


def _load_details(store: BlobStore, evaluation_id: str) -> dict[str, Any]:
    """Empty if they are lost: the board has moved on, so the look cannot be taken again, and its end stands."""
    kept = find_computed(store, _name(evaluation_id))
    return dict(json.loads(kept)) if kept is not None else {}


def _load(context: WorkerContext, evaluation_id: str) -> LookWork | None:
    with reading(context.engine) as session:
        evaluation = evaluations.fetch_evaluation(session, evaluation_id)
        if evaluation is None or evaluation.status != Status.RUNNING:
            return None
        terms, purpose = evaluation.spec.terms, evaluation.submission.purpose
        rules = terms.evaluation.adaptive
        if rules is None or not is_look_due(evaluation, 0, purpose=purpose, rules=terms.evaluation):
            return None
        prefix = find_prefix(evaluation.shards)
        replicas = count_replicas(prefix)
        if not _reaches_all(terms.problem, prefix):
            return None
        rival = _find_rival(session, evaluation, rules.rival_place, replicas)
        if rival is None:
            return None
        return LookWork(
            evaluation_id=evaluation_id,
            problem_id=evaluation.spec.problem_id,
            terms=terms,
            rules=rules,
            replicas=replicas,
            shards=_read_shards(prefix, replicas),
            rival=rival.submission_id,
            rival_shards=_read_shards(rival.shards, replicas),
        )


def _read_shards(shards: Sequence[Shard], replicas: int) -> tuple[LookedAt, ...]:
    found = (shard for shard in shards if not shard.is_extra and shard.first < replicas)
    return tuple(LookedAt(shard.request, shard.first, shard.outputs_digest or "") for shard in found)


def _reaches_all(problem: ProblemSpec, shards: Sequence[Shard]) -> bool:
    """Whether every pair of an original and a request has replicas enough to be scored."""
    counts = Counter(
        (index % problem.pools.apart, shard.request)
        for shard in shards
        for index in range(shard.first, shard.first + shard.count)
    )
    return problem.pairs == 1 or (len(counts) == problem.pairs and min(counts.values()) >= MIN_REPLICAS)


def _find_rival(session: Session, evaluation: Evaluation, place: int, replicas: int) -> Evaluation | None:
    """Whoever stands at that place now, among entries that ran all replicas; None while fewer have."""
    found = boards.find_ranked_evaluation(session, evaluation.submission.competition_id, evaluation.spec_id, place)
    rival = evaluations.fetch_evaluation(session, found) if found else None
    return rival if rival is not None and count_replicas(find_prefix(rival.shards)) >= replicas else None


def _work(context: WorkerContext, work: LookWork) -> PlaceDecision:
    looks = [look for problem in context.load_all(work.terms.problem) for look in _look_at(context, problem, work)]
    return decide_place([average_looks(looks)], alpha=work.rules.alpha, min_replicas=work.rules.min_replicas)


def _look_at(context: WorkerContext, problem: LoadedProblem, work: LookWork) -> Iterator[Look]:
    """At every original of one request, or at all of its replicas together."""
    bank = make_scored_pool(problem, load_pool(problem, PoolKind.RETRAINED, context.store).outputs)
    rules = make_scoring_spec(problem.spec.evaluation, read_metric(work.terms.metric_version))
    spec = replace(rules, protocol=ScoringProtocol(work.terms.protocol), interval_resamples=LOOK_RESAMPLES)
    entry, rival = (_load_pools(problem, shards, work.replicas, context) for shards in (work.shards, work.rival_shards))
    for ours, theirs in zip(entry, rival, strict=True):
        yield compute_look(ours, theirs, bank, spec=spec)


def _load_pools(
    problem: LoadedProblem, shards: Sequence[LookedAt], replicas: int, context: WorkerContext
) -> list[ScoredPool]:
    """Of the first replicas those of this request, by their original."""
    own = [shard for shard in shards if shard.request == problem.request]
    parts = [load_npz(context.store.get(shard.outputs)) for shard in own]
    places = np.concatenate([shard.first + np.arange(len(part)) for shard, part in zip(own, parts, strict=True)])
    outputs, apart = concat_outputs(parts), problem.spec.pools.apart
    chosen = (np.flatnonzero((places < replicas) & (places % apart == original)) for original in range(apart))
    return [make_scored_pool(problem, outputs.select(rows)) for rows in chosen]


def _apply(context: WorkerContext, work: LookWork, decision: PlaceDecision) -> None:
    """Take the rest of the shards back, whoever holds them, and score what the decision was made on."""
    details = {"rival": work.rival, "difference": decision.difference, "low": decision.low, "high": decision.high}
    digest = context.store.put(json.dumps(details if work.terms.is_open else {}).encode())
    with transaction(context.engine) as session:
        evaluation = evaluations.lock_evaluation(session, work.evaluation_id)
        if evaluation is None or evaluation.status != Status.RUNNING:
            return  # cancelled, failed, finished or decided meanwhile
        context.store.set_ref(_name(evaluation.id), digest)  # under the lock, so the look that decided names it
        evaluation.decided_early, evaluation.scored_replicas = True, work.replicas
        for shard in evaluation.shards:
            if shard.state in (WorkState.PENDING, WorkState.LEASED):  # a worker at it finds its fence useless and stops
                shard.state, shard.lease_until = WorkState.ABANDONED, None
        reason = f"behind place {work.rules.rival_place}, decided after {work.replicas} of "
        evaluations.move(session, evaluation, Status.SCORING, reason=f"{reason}{evaluation.replicas_total} replicas")
        enqueue(session, SCORE, evaluation.id)


def _name(evaluation_id: str) -> str:
    return f"decisions/{evaluation_id}"
