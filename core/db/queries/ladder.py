"""SQL about scores that are not told: on hidden problems, what does not climb (`core.domain.leaderboard.climb`)."""

from collections.abc import Mapping

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.db.board import CountingEvaluation, read_entry
from core.db.models.contests import Team
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation, Submission
from core.domain.exposure import climbs
from core.domain.leaderboard import GATED, Purpose, climb
from core.domain.leaks import LeakBudget
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


def count_leaks(session: Session, competition_id: str, spec_id: str) -> dict[str, LeakBudget]:
    """By team: how often its code ran on the spec's data, and how often a score was told."""
    is_told = Evaluation.score.is_not(None) & Evaluation.held_back.is_(False)
    query = (
        select(Team.name, func.count(), func.count().filter(is_told))
        .select_from(Evaluation)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Team, Team.id == Submission.team_id)
        .where(
            Submission.competition_id == competition_id,
            Submission.purpose.in_(GATED),
            Evaluation.spec_id == spec_id,
            Evaluation.started_at.is_not(None),
        )
        .group_by(Team.name)
    )
    return {name: LeakBudget(runs, climbed) for name, runs, climbed in session.execute(query)}
