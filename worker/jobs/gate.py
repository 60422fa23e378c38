"""Whether an evaluation is over its budget, decided after every shard, and what follows while that is open.

Decision, levels and extra measurements: docs/decisions/0007. A shard of extra measurements counts no replica: it is
neither scored nor shown, and where it cannot be run the entry passes.
"""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from core.db.models.submissions import Evaluation, Shard
from core.db.queries import evaluations
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState
from core.jobs import RUN_SHARD, SCORE
from core.lifecycle import enqueue_for
from core.problems import ProblemSpec, cut_evaluation
from evaluator.paired import EXTRA_LOOKS, Standing, find_standing, split_alpha
from worker.replicas.seconds import MeasuredShard, parse_shard
from worker.replicas.yardstick import count_extra
from worker.scorecard.cost import RetrainCost, describe_excess

EARLIER = 8  # evaluations that count again at most, the newest


@dataclass(frozen=True, slots=True)
class Judgement:
    end: str = ""  # why it ends here; empty: it goes on
    measures_again: bool = False  # it is undecided, and more runs could decide it


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was measured of the same bytes before, under the same terms on the same class of node."""

    measured: tuple[MeasuredShard, ...] = ()
    evaluations: int = 0
    was_over: bool = False  # so it was found of this very submission


def find_earlier(session: Session, evaluation: Evaluation) -> Earlier:
    """A verdict that only noise would change stays what it was: what was measured before counts again."""
    before = evaluations.fetch_earlier(session, evaluation, limit=EARLIER)
    measured = [replace(shard, is_extra=True) for each in before for shard in read_measured(each.shards)]
    own = [each.verdict for each in before if each.submission_id == evaluation.submission_id]
    return Earlier(tuple(measured), len(before), was_over=own[:1] == [Verdict.OVER_BUDGET])


def judge_cost(
    session: Session, evaluation: Evaluation, retrain: RetrainCost | None, problem: ProblemSpec
) -> Judgement:
    """Where the cost of all that ran so far stands; keeps the estimate. retrain: None where no gate applies.

    Before its replicas are done an entry ends only far over the budget: one that is just over it runs on, and gets its
    score beside the verdict.
    """
    if retrain is None:
        return Judgement()
    rules = problem.evaluation
    is_last, earlier = _are_replicas_done(evaluation), find_earlier(session, evaluation)
    planned = len(cut_evaluation(problem, evaluation.replicas_total))
    measured = [*read_measured(evaluation.shards), *earlier.measured]
    alpha = split_alpha(shards=planned, is_last=is_last, earlier=earlier.evaluations)
    runtime = retrain.pair(measured, rules.gate, alpha=alpha)
    settled = retrain.pair(measured, rules.gate, alpha=alpha, is_settled=True)
    if runtime is None or settled is None:
        return Judgement(measures_again=True)
    evaluation.relative_runtime = runtime.estimate
    if not is_last and find_standing(runtime, rules.compute_budget * rules.canary_margin) is Standing.over:
        return Judgement(end=describe_excess(runtime, measured, budget=rules.compute_budget))
    is_open = find_standing(runtime, rules.compute_budget) is Standing.undecided
    return Judgement(measures_again=is_open and find_standing(settled, rules.compute_budget) is Standing.over)


def read_measured(shards: list[Shard]) -> list[MeasuredShard]:
    return [parse_shard(shard.measured) for shard in shards if shard.state == WorkState.DONE and shard.measured]


def go_on(session: Session, evaluation: Evaluation, *, measures_again: bool) -> None:
    """Once no shard is left: score it, or measure once more what is undecided."""
    if not _are_replicas_done(evaluation):
        return
    extras = [shard for shard in evaluation.shards if shard.is_extra]
    if any(shard.state in (WorkState.PENDING, WorkState.LEASED) for shard in extras):
        return
    gave_up = any(shard.state == WorkState.ABANDONED for shard in extras)
    if measures_again and len(extras) < EXTRA_LOOKS and not gave_up:
        _measure_again(session, evaluation, len(extras))
        return
    evaluations.move(session, evaluation, Status.SCORING)
    enqueue_for(session, SCORE, evaluation.id, evaluation)


def _measure_again(session: Session, evaluation: Evaluation, done: int) -> None:
    requests = 1 + max(shard.request for shard in evaluation.shards)
    shard = Shard(
        evaluation_id=evaluation.id,
        request=done % requests,
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
