"""What retraining costs in the sandbox on this class of node: `baselines/retrain.py` run as an ordinary submission."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from core.db.models import Calibration, Evaluation, Replica
from core.db.queries import competitions, evaluations
from core.domain.submission import Status, Verdict
from evaluator.runtime import RelativeRuntime, compute_gated_runtime, compute_relative_runtime


@dataclass(frozen=True, slots=True)
class RetrainCost:
    """Seconds of each calibration run, by the wall and by the processor."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]

    @property
    def wall_seconds(self) -> float:
        return float(np.mean(self.wall))

    def compare(self, replicas: Sequence[Replica]) -> RelativeRuntime:
        """Relative runtime of these replicas: the larger of the wall's and the processor's ratio counts."""
        return self.compare_seconds([r.wall_seconds for r in replicas], [r.cpu_seconds for r in replicas])

    def compare_seconds(self, wall: Sequence[float], cpu: Sequence[float]) -> RelativeRuntime:
        by_wall, by_cpu = self.compare_both(wall, cpu)
        return compute_gated_runtime(wall=by_wall, cpu=by_cpu)

    def compare_both(self, wall: Sequence[float], cpu: Sequence[float]) -> tuple[RelativeRuntime, RelativeRuntime]:
        return (
            compute_relative_runtime(np.asarray(wall), np.asarray(self.wall)),
            compute_relative_runtime(np.asarray(cpu), np.asarray(self.cpu)),
        )


def load_cost(session: Session, spec_id: str, node_class: str) -> RetrainCost | None:
    row = competitions.fetch_calibration(session, spec_id, node_class)
    return None if row is None else RetrainCost(tuple(row.seconds["wall"]), tuple(row.seconds["cpu"]))


def store_calibration(session: Session, evaluation: Evaluation, *, node_class: str) -> None:
    """Keep the cost, end the calibration run, and open the competitions that waited for it."""
    replicas = evaluations.fetch_replicas(session, evaluation.id)
    seconds = {"wall": [r.wall_seconds for r in replicas], "cpu": [r.cpu_seconds for r in replicas]}
    row = Calibration(spec_id=evaluation.spec_id, node_class=node_class, evaluation_id=evaluation.id, seconds=seconds)
    if competitions.fetch_calibration(session, evaluation.spec_id, node_class) is None:
        session.add(row)
    evaluations.move(session, evaluation, Status.SCORING)
    evaluations.move(session, evaluation, Status.FINISHED, verdict=Verdict.SCORED, reason="calibrated")
    for competition in competitions.fetch_competitions_of_spec(session, evaluation.spec_id):
        if competition.state == "preparing":
            competition.state = "open"
            competition.fault = ""
