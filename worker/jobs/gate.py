"""Whether an evaluation is over its budget, decided after every shard, and what follows while that is open.

Decision, levels and extra measurements: docs/decisions/0007. A shard of extra measurements counts no replica: it is
neither scored nor shown, and where it cannot be run the entry passes.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.db.models.submissions import Evaluation, Shard
from core.db.queries import evaluations
from core.domain.submission import Status
from core.domain.work import WorkState
from core.jobs import RUN_SHARD, SCORE
from core.lifecycle import enqueue_for
from core.problem_parts import EvaluationPart
from evaluator.paired import EXTRA_LOOKS, Standing, find_standing, split_alpha
from worker.replicas.seconds import MeasuredShard, parse_shard
from worker.replicas.yardstick import count_extra
from worker.scorecard.cost import RetrainCost, describe_excess


@dataclass(frozen=True, slots=True)
class Judgement:
    standing: Standing
    end: str = ""  # why it ends here; empty: it goes on


def judge_cost(evaluation: Evaluation, retrain: RetrainCost | None, rules: EvaluationPart) -> Judgement:
    """Where the cost of all that ran so far stands; keeps the estimate. retrain: None where no gate applies.

    Before its replicas are done an entry ends only far over the budget: one that is just over it runs on, and gets its
    score beside the verdict.
    """
    if retrain is None:
        return Judgement(Standing.under)
    is_last = _are_replicas_done(evaluation)
    planned = 1 + -(-(evaluation.replicas_total - rules.canary_replicas) // rules.shard_replicas)
    measured = read_measured(evaluation.shards)
    runtime = retrain.pair(measured, rules.gate, alpha=split_alpha(shards=planned, is_last=is_last))
    if runtime is None:
        return Judgement(Standing.undecided)
    evaluation.relative_runtime = runtime.estimate
    is_far_over = find_standing(runtime, rules.compute_budget * rules.canary_margin) is Standing.over
    reason = describe_excess(runtime, measured, budget=rules.compute_budget)
    return Judgement(find_standing(runtime, rules.compute_budget), reason if is_far_over and not is_last else "")


def read_measured(shards: list[Shard]) -> list[MeasuredShard]:
    return [parse_shard(shard.measured) for shard in shards if shard.state == WorkState.DONE and shard.measured]


def go_on(session: Session, evaluation: Evaluation, standing: Standing) -> None:
    """Once no shard is left: score it, or measure once more what is undecided."""
    if not _are_replicas_done(evaluation):
        return
    extras = [shard for shard in evaluation.shards if shard.is_extra]
    if any(shard.state in (WorkState.PENDING, WorkState.LEASED) for shard in extras):
        return
    gave_up = any(shard.state == WorkState.ABANDONED for shard in extras)
    if standing is Standing.undecided and len(extras) < EXTRA_LOOKS and not gave_up:
        _measure_again(session, evaluation, len(extras))
        return
    evaluations.move(session, evaluation, Status.SCORING)
    enqueue_for(session, SCORE, evaluation.id, evaluation)


def _measure_again(session: Session, evaluation: Evaluation, done: int) -> None:
    shard = Shard(
        evaluation_id=evaluation.id,
        position=len(evaluation.shards),
        first=evaluation.replicas_total + done * count_extra(evaluation.replicas_total),
        count=0,
    )
    session.add(shard)
    session.flush()
    enqueue_for(session, RUN_SHARD, shard.id, evaluation)
    if evaluation.status != Status.RUNNING:
        evaluations.move(session, evaluation, Status.RUNNING)


def _are_replicas_done(evaluation: Evaluation) -> bool:
    shards = [shard for shard in evaluation.shards if not shard.is_extra]
    ended = all(shard.state == WorkState.DONE for shard in shards)
    return ended and sum(shard.count for shard in shards) == evaluation.replicas_total
