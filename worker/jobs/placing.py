"""On which class of node an evaluation runs: one alone, and one that retraining was measured on.

Its cost is compared with retraining's, and seconds of two kinds of machine do not compare (docs/decisions/0002).
"""

from sqlalchemy.orm import Session

from core.db.models.submissions import Evaluation, Shard
from core.db.queries import competitions, data_sets
from core.domain.leaderboard import Purpose
from core.domain.submission import Verdict
from worker.jobs.calibration import load_cost, start_calibration
from worker.jobs.context import WorkerContext


def may_run_here(session: Session, context: WorkerContext, evaluation: Evaluation, shard: Shard) -> bool:
    """Whether this node may take the shard; if not, the shard says what it waits for, and costs no attempt.

    evaluation: locked, with its spec and submission. A class that was never calibrated is, before anything runs there.
    """
    node_class = context.settings.node_class
    if evaluation.node_class not in ("", node_class):
        shard.fault = f"waits for a node of class {evaluation.node_class}, on which it was begun"
    elif evaluation.submission.purpose == Purpose.CALIBRATION:
        return True
    elif _may_be_heard(context, evaluation):
        shard.fault = "waits for a node whose boxes forget what a replica looked up: the problem is hidden"
    elif load_cost(session, evaluation.spec_id, node_class) is None:
        shard.fault = _calibrate(session, context, evaluation)
    else:
        return True
    return False


def _may_be_heard(context: WorkerContext, evaluation: Evaluation) -> bool:
    """Whether one replica could tell the next what it saw of hidden data, and nobody allowed for that."""
    settings = context.settings
    is_strict = settings.production and not settings.allow_channels
    return is_strict and not context.is_quiet and not evaluation.spec.terms.is_open


def _calibrate(session: Session, context: WorkerContext, evaluation: Evaluation) -> str:
    node_class, spec = context.settings.node_class, evaluation.spec
    if data_sets.is_revoked(session, spec.terms.problem):
        return f"waits for a node of a calibrated class: on revoked data class {node_class} is not measured any more"
    competitions.lock_problem(session, spec.problem_id)  # two nodes of the class may come here at once
    runs = competitions.fetch_calibration_runs(session, spec.id, node_class)
    if all(run.verdict for run in runs):
        newest = next((run for run in reversed(runs) if run.node_class), None)
        if newest is not None and newest.verdict == Verdict.PLATFORM_ERROR:
            return (
                f"waits for another class of node, or until evaluation {newest.id} is requeued:"
                f" retraining could not be measured on class {node_class}: {newest.reason}"
            )
        start_calibration(session, context, spec, evaluation.submission.competition_id, evaluation.phase)
    return f"waits for what retraining costs on nodes of class {node_class}, which is being measured"
