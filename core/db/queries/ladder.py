"""SQL about scores that are not told: on hidden problems, what does not climb (`core.domain.leaderboard.climb`)."""

from collections.abc import Mapping

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.db.board import CountingEvaluation, read_entry
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation
from core.domain.exposure import climbs
from core.domain.leaderboard import Purpose, climb
from core.domain.phases import PhaseKind
from core.domain.submission import Verdict


def is_climbed(session: Session, competition_id: str, spec_id: str) -> bool:
    """Whether only scores that climb are told on a board."""
    exposure = session.get_one(EvaluationSpec, spec_id).terms.problem.exposure
    private = select(Phase.id).where(
        Phase.competition_id == competition_id, Phase.spec_id == spec_id, Phase.kind == PhaseKind.PRIVATE
    )
    return climbs(exposure, is_private_phase=session.scalars(private).first() is not None)


def hold_back(session: Session, found: Mapping[str, CountingEvaluation]) -> None:
    """Note of some owners' submissions, all that count now, whose score is told: as the board will show them.

    One over the budget is not: who goes over on purpose would read every score.
    """
    entries = [read_entry(each) for each in found.values() if each.verdict == Verdict.SCORED]
    told = {each.submission_id for steps in climb(entries).values() for each in steps}
    measured = (Verdict.SCORED, Verdict.OVER_BUDGET)
    ranked = {key: each for key, each in found.items() if each.purpose == Purpose.RANKED and each.verdict in measured}
    for is_held in (False, True):
        ids = [each.evaluation_id for key, each in ranked.items() if (key not in told) is is_held]
        changed = update(Evaluation).where(Evaluation.id.in_(ids), Evaluation.held_back.is_not(is_held))
        session.execute(changed.values(held_back=is_held))
