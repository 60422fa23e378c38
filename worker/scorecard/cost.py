"""What retraining costs in the sandbox on this class of node, and what starting a replica costs by itself.

Both are measured by ordinary submissions: `baselines/retrain.py` with the problem's recipe, and
`baselines/identity.py`, whose whole cost is the sandbox's own and is taken off either side of the ratio.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.submissions import Calibration, Evaluation, Replica
from core.db.queries import competitions, evaluations, phases, pools
from core.domain.calibration import CALIBRATION_FILES
from core.domain.competition import CompetitionState
from core.domain.phases import PhaseKind, PhaseState
from core.domain.submission import Status, Verdict
from core.problems import Gate
from evaluator.runtime import RelativeRuntime, compute_gated_runtime, compute_relative_runtime
from worker.replicas.inspection import InspectedReplica

WALL_SLACK = 2.0  # processor time that a replica hides from its parent (docs/decisions/0002) still shows on the wall
Seconds = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RunSeconds:
    """Seconds of each replica of one file, by the wall and by the processor."""

    wall: Seconds
    cpu: Seconds


@dataclass(frozen=True, slots=True)
class RetrainCost:
    retrain: RunSeconds
    idle: RunSeconds
    evaluation_ids: tuple[str, ...] = ()

    @property
    def wall_seconds(self) -> float:
        """Of one retraining, as the clock outside sees it."""
        return float(np.mean(self.retrain.wall))

    def compare(self, run: RunSeconds, gate: Gate) -> RelativeRuntime:
        """Relative runtime by the clock that the gate reads."""
        wall, cpu = self.compare_both(run)
        if gate is Gate.CPU:
            wall = replace(
                wall, estimate=wall.estimate / WALL_SLACK, low=wall.low / WALL_SLACK, high=wall.high / WALL_SLACK
            )
        return compute_gated_runtime(wall=wall, cpu=cpu)

    def compare_both(self, run: RunSeconds) -> tuple[RelativeRuntime, RelativeRuntime]:
        return (
            compute_relative_runtime(
                _without_start(run.wall, self.idle.wall), _without_start(self.retrain.wall, self.idle.wall)
            ),
            compute_relative_runtime(
                _without_start(run.cpu, self.idle.cpu), _without_start(self.retrain.cpu, self.idle.cpu)
            ),
        )


def collect_seconds(replicas: Sequence[Replica] | Sequence[InspectedReplica]) -> RunSeconds:
    """From stored rows or from replicas just inspected; both carry the same two clocks."""
    return RunSeconds(
        tuple(replica.wall_seconds for replica in replicas), tuple(replica.cpu_seconds for replica in replicas)
    )


def load_cost(session: Session, spec_id: str, node_class: str) -> RetrainCost | None:
    """None until both files have been measured on such a node."""
    rows = competitions.fetch_calibrations(session, spec_id, node_class)
    if not set(CALIBRATION_FILES) <= set(rows):
        return None
    retrain, idle = (_read(rows[name].seconds) for name in CALIBRATION_FILES)
    return RetrainCost(retrain, idle, tuple(rows[name].evaluation_id for name in CALIBRATION_FILES))


def store_calibration(session: Session, evaluation: Evaluation, *, filename: str, node_class: str) -> None:
    """Keep the cost, end the calibration run, and open the competitions that waited for the last of them."""
    run = collect_seconds(evaluations.fetch_replicas(session, evaluation.id))
    if filename not in competitions.fetch_calibrations(session, evaluation.spec_id, node_class):
        session.add(
            Calibration(
                spec_id=evaluation.spec_id,
                node_class=node_class,
                filename=filename,
                evaluation_id=evaluation.id,
                seconds={"wall": run.wall, "cpu": run.cpu},
            )
        )
        session.flush()
    evaluations.move(session, evaluation, Status.SCORING)
    evaluations.move(session, evaluation, Status.FINISHED, verdict=Verdict.SCORED, reason="calibrated")
    if load_cost(session, evaluation.spec_id, node_class) is not None:
        for waiting in fetch_waiting(session, evaluation.spec_id):
            open_waiting(session, waiting)


def fetch_waiting(session: Session, spec_id: str) -> list[Competition | Phase]:
    """Whatever waits for the pools and calibrations of a spec: competitions and phases."""
    rows = competitions.fetch_competitions_of_spec(session, spec_id)
    return [row for row in rows if row.state is CompetitionState.PREPARING] + phases.fetch_preparing_phases(
        session, spec_id
    )


def open_waiting(session: Session, row: Competition | Phase) -> None:
    """A phase is ready, a competition opens; one that opens by hand is prepared, and waits for its admin."""
    row.fault = ""
    if isinstance(row, Phase):
        row.state = PhaseState.READY
        if row.kind == PhaseKind.PRACTICE:  # it takes submissions from now on
            pools.activate(session, row.spec_id)
        return
    row.prepared_at = utc_now()
    if not row.opens_by_hand:
        row.state = CompetitionState.OPEN
        pools.activate(session, row.spec_id)


def _without_start(seconds: Seconds, idle: Seconds) -> npt.NDArray[np.float64]:
    # the median: one replica that was held up must not make everybody's start look dear
    return np.maximum(np.asarray(seconds) - np.median(idle), 0.0)


def _read(seconds: Mapping[str, Sequence[float]]) -> RunSeconds:
    return RunSeconds(tuple(seconds["wall"]), tuple(seconds["cpu"]))
