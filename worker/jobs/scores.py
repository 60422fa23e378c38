"""The score task: join the outputs of all shards, compare them with the retrained pool, write the scorecard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import structlog

from core.db.base import utc_now
from core.db.models.submissions import Evaluation, Replica, Scorecard, Shard
from core.db.queries import competitions, evaluations, pools, review
from core.db.session import transaction
from core.domain.errors import BlobMissing, ContestError, ParticipantFault, PlatformFault, StoreUnavailable
from core.domain.faults import FaultCode
from core.domain.intake.report import Brought
from core.domain.leaderboard import GATED
from core.domain.phases import PhaseKind
from core.domain.submission import Status, Verdict
from core.domain.work import SCORE_TRIES, find_pause
from core.jobs import SCORE, put_off
from core.lifecycle import get_priority
from core.reader.apart import read_apart
from core.scorecard import EarlyDecision, ScorecardRecord, dump_scorecard, name_report
from core.storage import BlobStore
from core.terms import Terms
from worker.jobs.breaker import may_score_here
from worker.jobs.calibration import load_cost
from worker.jobs.context import WorkerContext
from worker.jobs.gate import Earlier, find_earlier, read_measured
from worker.jobs.heartbeat import Heartbeat, renew_score
from worker.jobs.looks import describe_decision
from worker.jobs.repair import rerun_lost, send_lost_chunks
from worker.problems import LoadedProblem
from worker.replicas.outputs import concat_outputs, load_npz
from worker.replicas.seconds import MeasuredShard, RunSeconds, collect_seconds
from worker.report.drawing import Drawings, draw_score
from worker.report.page import Report, render_report
from worker.scorecard.card import RunFacts
from worker.scorecard.cost import RetrainCost, describe_excess
from worker.scorecard.flags import FlagFacts, load_reruns, load_swapped
from worker.scorecard.pairs import RequestRuns, compute_score
from worker.scorecard.scored import read_metric
from worker.training.pools import check_seals, load_pools
from worker.training.spare import load_spare

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ScoreWork:
    evaluation_id: str
    fence: int
    problem_id: str
    title: str  # of the problem, with the phase if it is not the contest's
    gated: bool
    filename: str
    spec_digest: str
    terms: Terms
    source_digest: str
    shards: tuple["ScoredShard", ...]
    decided_after: int | None  # replicas, if the runs were stopped early
    node_class: str
    run: RunSeconds
    measured: tuple[MeasuredShard, ...]
    earlier: Earlier  # of the same bytes
    retrain: RetrainCost | None
    commitment_key: str  # of the competition
    seals: tuple[dict[str, Any], ...]  # of the pools that were sealed since seals are kept


@dataclass(frozen=True, slots=True)
class ScoredShard:
    """What ran in one box, on one request."""

    request: int
    first: int
    outputs: str  # digest
    weights: tuple[str, ...]  # digests, of each replica


@dataclass(frozen=True, slots=True)
class DrawnScore:
    """What is stored of a score."""

    record: ScorecardRecord
    draws: tuple[float, ...]
    drawings: Drawings


def score_evaluation(context: WorkerContext, evaluation_id: str) -> None:
    """Score one evaluation whose shards are all done, or whose place is decided; safe to deliver twice."""
    work = _load(context, evaluation_id)
    if work is None:
        return
    try:
        with Heartbeat(context, renew_score(evaluation_id, work.fence)):
            drawn = _work(context, work)
    except Exception as error:  # the task's edge: everything here is the platform's own
        log.exception("scoring failed", evaluation_id=evaluation_id)
        if isinstance(error, BlobMissing):
            if rerun_lost(context, evaluation_id, scoring_fence=work.fence):
                return
            send_lost_chunks(context, work.problem_id)
        fault = error.message if isinstance(error, ContestError) else repr(error)
        _give_back(context, work, fault, is_charged=not isinstance(error, (BlobMissing, StoreUnavailable)))
        return
    _apply(context, work, drawn)


def _load(context: WorkerContext, evaluation_id: str) -> ScoreWork | None:
    now = utc_now()
    until = now + timedelta(seconds=context.settings.lease_seconds)
    with transaction(context.engine) as session:
        waiting = evaluations.lock_unscored(session, evaluation_id, now)
        if waiting is not None and not may_score_here(session, waiting, node=context.settings.node_name, now=now):
            put_off(session, SCORE, evaluation_id, priority=get_priority(waiting))
            return None
        fence = evaluations.claim_scoring(session, evaluation_id, now=now, until=until)
        if not fence:
            return None
        evaluation = evaluations.fetch_evaluation(session, evaluation_id)
        if evaluation is None:
            raise PlatformFault(f"evaluation {evaluation_id} vanished")
        gap = pools.find_gap(session, evaluation.spec_id)
        if gap:  # the janitor reminds of it until they are whole
            evaluation.scoring_until, evaluation.score_fault = None, gap
            return None
        decided = evaluation.decided_early
        # of the nodes that ran it: whoever scores it may be of another class
        node_class = evaluation.node_class or context.settings.node_class
        kept = evaluation.scored_replicas if decided and evaluation.scored_replicas else evaluation.replicas_total
        replicas = [row for row in evaluations.fetch_replicas(session, evaluation_id) if row.position < kept]
        return ScoreWork(
            evaluation_id=evaluation_id,
            fence=fence,
            problem_id=evaluation.spec.problem_id,
            title=_name(evaluation),
            gated=evaluation.submission.purpose in GATED,
            filename=evaluation.submission.filename,
            spec_digest=evaluation.spec.digest,
            terms=evaluation.spec.terms,
            source_digest=evaluation.submission.source_digest,
            shards=tuple(_read_shard(shard, replicas) for shard in evaluation.shards if _is_scored(shard, kept)),
            decided_after=kept if decided else None,
            node_class=node_class,
            run=collect_seconds(replicas),
            measured=tuple(read_measured([each for each in evaluation.shards if each.first < kept or each.is_extra])),
            earlier=find_earlier(session, evaluation),
            retrain=load_cost(session, evaluation.spec_id, node_class),
            commitment_key=competitions.fetch_commitment_key(session, evaluation.submission.competition_id),
            seals=tuple(pools.fetch_seals(session, evaluation.spec.problem_id)),
        )


def _is_scored(shard: Shard, kept: int) -> bool:
    return not shard.is_extra and shard.first < kept


def _read_shard(shard: Shard, replicas: Sequence[Replica]) -> ScoredShard:
    weights = tuple(row.weights_sha256 for row in replicas if row.shard_id == shard.id)
    return ScoredShard(shard.request, shard.first, shard.outputs_digest or "", weights)


def _name(evaluation: Evaluation) -> str:
    title = evaluation.spec.terms.problem.title
    return f"{title} (practice)" if evaluation.phase == PhaseKind.PRACTICE else title


def _work(context: WorkerContext, work: ScoreWork) -> DrawnScore:
    check_seals(work.seals, context.store)
    problems = context.load_all(work.terms.problem)
    runs = [_load_runs(context, problem, work) for problem in problems]
    facts = RunFacts(
        evaluation_id=work.evaluation_id,
        spec_digest=work.spec_digest,
        source_digest=work.source_digest,
        sandbox=context.sandbox.name,
        node_class=work.node_class,
        run=work.run,
        retrain=work.retrain,
        measured=(*work.measured, *work.earlier.measured),
        earlier=work.earlier.evaluations,
        was_over=work.earlier.was_over,
        decision=_find_decision(context.store, work),
    )
    score = compute_score(runs, facts, context.store, metric=read_metric(work.terms.metric_version))
    drawings = draw_score(problems[0], score)
    digest = _keep_report(context.store, work, score.record, drawings)
    return DrawnScore(name_report(score.record, digest), score.draws, drawings)


def _load_runs(context: WorkerContext, problem: LoadedProblem, work: ScoreWork) -> RequestRuns:
    own = [shard for shard in work.shards if shard.request == problem.request]
    parts = [load_npz(context.store.get(shard.outputs)) for shard in own]
    places = [shard.first + np.arange(len(part)) for shard, part in zip(own, parts, strict=True)]
    return RequestRuns(
        problem=problem,
        outputs=concat_outputs(parts),
        originals=np.concatenate(places) % problem.spec.pools.originals,
        pools=load_pools(problem, context.store),
        checks=_load_facts(context, problem, work, tuple(digest for shard in own for digest in shard.weights)),
    )


def _load_facts(context: WorkerContext, problem: LoadedProblem, work: ScoreWork, weights: tuple[str, ...]) -> FlagFacts:
    """The canary, which is of the first request, is what runs again and is told to forget other examples."""
    store, key, is_first = context.store, work.evaluation_id, problem.request == 0
    spare = load_spare(problem, store) if is_first else None
    return FlagFacts(
        weights,
        reruns=load_reruns(store, key) if is_first else None,
        swapped=load_swapped(store, key) if is_first else None,
        spare=spare.outputs if spare else None,
        evaluation_id=key,
        brought=_weigh_source(context, work),
    )


def _weigh_source(context: WorkerContext, work: ScoreWork) -> Brought | None:
    """None if it is lost, or this version reads it otherwise: no score waits for that."""
    try:
        source = context.store.get(work.source_digest)
        return read_apart(work.filename, source, limit_bytes=context.settings.upload_bytes).brought
    except (BlobMissing, ParticipantFault):
        return None


def _find_decision(store: BlobStore, work: ScoreWork) -> EarlyDecision | None:
    if work.decided_after is None:
        return None
    return describe_decision(store, work.evaluation_id, work.terms, after=work.decided_after)


def _keep_report(store: BlobStore, work: ScoreWork, record: ScorecardRecord, drawings: Drawings) -> str:
    """Draw the report now: the pools it is drawn from may be gone when somebody asks for it."""
    verdict, code, reason = _judge(work, record)
    report = Report(
        title=work.filename,
        problem=work.title,
        verdict=verdict,
        record=record,
        detail=drawings.detail,
        code=code,
        reason=reason,
        commitment_key=work.commitment_key,
    )
    return store.put(render_report(report).encode())


def _judge(work: ScoreWork, record: ScorecardRecord) -> tuple[Verdict, FaultCode | None, str]:
    runtime = record.relative_runtime
    if not (work.gated and runtime.over_budget):
        return Verdict.SCORED, None, ""
    return (
        Verdict.OVER_BUDGET,
        FaultCode.COMPUTE_BUDGET,
        describe_excess(runtime, (*work.measured, *work.earlier.measured), budget=runtime.budget),
    )


def _apply(context: WorkerContext, work: ScoreWork, drawn: DrawnScore) -> None:
    score, runtime = drawn.record.score, drawn.record.relative_runtime
    with transaction(context.engine) as session:
        evaluation = evaluations.lock_evaluation(session, work.evaluation_id)
        if evaluation is not None and evaluation.status == Status.CANCELLING:
            evaluations.move(session, evaluation, Status.FINISHED, verdict=Verdict.WITHDRAWN)
        if evaluation is None or not evaluations.holds_scoring(evaluation, work.fence):
            return
        session.add(
            Scorecard(
                evaluation_id=evaluation.id,
                body=dump_scorecard(drawn.record),
                epsilon_svg=drawn.drawings.epsilon_svg,
                confidence_svg=drawn.drawings.confidence_svg,
                examples=drawn.drawings.examples,
            )
        )
        evaluation.score, evaluation.score_low, evaluation.score_high = score.estimate, score.low, score.high
        evaluation.score_error, evaluation.score_draws = score.standard_error, list(drawn.draws)
        evaluation.relative_runtime = runtime.estimate
        review.settle_hold(session, evaluation)
        verdict, code, reason = _judge(work, drawn.record)
        evaluations.move(session, evaluation, Status.FINISHED, verdict=verdict, code=code, reason=reason)


def _give_back(context: WorkerContext, work: ScoreWork, fault: str, *, is_charged: bool) -> None:
    """Let it wait longer each time: the janitor's reminder sends it again when its pause is over.

    is_charged: whether it may lie with this node.
    """
    with transaction(context.engine) as session:
        evaluation = evaluations.lock_evaluation(session, work.evaluation_id)
        if evaluation is None or not evaluations.holds_scoring(evaluation, work.fence):
            return
        evaluation.score_attempts += 1
        if is_charged:
            evaluation.score_failed_on = sorted({*evaluation.score_failed_on, context.settings.node_name})
        if evaluation.score_attempts < SCORE_TRIES:
            evaluation.scoring_until = utc_now() + find_pause(evaluation.score_attempts)
            evaluation.score_fault = fault
            return
        evaluation.scoring_until = None
        reason = f"scoring failed {evaluation.score_attempts} times: {fault}"
        evaluations.move(session, evaluation, Status.FINISHED, verdict=Verdict.PLATFORM_ERROR, reason=reason)
