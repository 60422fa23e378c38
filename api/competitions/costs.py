"""What one retraining takes on each class of node, as it was measured before the competition opened."""

import statistics
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.db.models.contests import Competition
from core.db.queries import competitions
from core.domain.coarse import round_figure


@dataclass(frozen=True, slots=True)
class NodeCost:
    """Seconds of processor time, in two digits: nobody has to know them finer to plan a run."""

    node_class: str
    retrain_seconds: float
    budget_seconds: float


def list_costs(session: Session, competition: Competition) -> list[NodeCost]:
    budget = competition.spec.terms.evaluation.compute_budget
    found = []
    for row in competitions.fetch_all_calibrations(session, competition.spec_id):
        seconds = statistics.median(row.seconds["cpu"])
        found.append(NodeCost(row.node_class, round_figure(seconds), round_figure(budget * seconds)))
    return found
