"""SQL about private phases, and the only way to what ran under them."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation, Submission
from core.db.queries.evaluations import load_attempts
from core.domain.phases import PhaseKind, PhaseState


def fetch_private_phase(session: Session, competition_id: str) -> Phase | None:
    query = (
        select(Phase)
        .where(Phase.competition_id == competition_id, Phase.kind == PhaseKind.PRIVATE.value)
        .options(joinedload(Phase.spec).joinedload(EvaluationSpec.problem))
    )
    return session.scalars(query).one_or_none()


def fetch_preparing_phases(session: Session, spec_id: str) -> list[Phase]:
    return list(
        session.scalars(select(Phase).where(Phase.spec_id == spec_id, Phase.state == PhaseState.PREPARING.value))
    )


def store_phase(session: Session, competition_id: str, spec_id: str) -> Phase:
    phase = Phase(competition_id=competition_id, kind=PhaseKind.PRIVATE.value, spec_id=spec_id)
    session.add(phase)
    session.flush()
    return phase


def fetch_private_evaluations(session: Session, phase: Phase) -> dict[str, Evaluation]:
    """By submission, the newest attempt under the phase's spec that counts."""
    query = (
        select(Evaluation)
        .join(Submission)
        .where(
            Submission.competition_id == phase.competition_id,
            Submission.purpose != "calibration",
            Evaluation.spec_id == phase.spec_id,
            Evaluation.phase == PhaseKind.PRIVATE.value,
            Evaluation.counts,
        )
        .options(selectinload(Evaluation.shards))
        .order_by(Evaluation.created_at)
    )
    return {row.submission_id: row for row in session.scalars(query)}


def count_live_evaluations(session: Session, competition_id: str) -> int:
    """Of the public phase: until they have ended, the best of a team are not known."""
    query = (
        select(func.count())
        .select_from(Evaluation)
        .join(Submission)
        .where(
            Submission.competition_id == competition_id,
            Submission.purpose == "ranked",
            Evaluation.phase == PhaseKind.PUBLIC.value,
            Evaluation.verdict.is_(None),
        )
    )
    return session.scalars(query).one()


def fetch_submissions_of_team(session: Session, team_id: str) -> list[Submission]:
    """With their public attempts, newest first."""
    query = (
        select(Submission).where(Submission.team_id == team_id).options(joinedload(Submission.user), load_attempts())
    )
    return list(session.scalars(query.order_by(Submission.id.desc())))
