"""SQL about practice and private phases, and the only way to what ran under a private one."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec
from core.db.models.submissions import Evaluation, Submission
from core.db.queries.evaluations import load_attempts
from core.domain.leaderboard import Purpose
from core.domain.phases import PhaseKind, PhaseState


def fetch_private_phase(session: Session, competition_id: str) -> Phase | None:
    return fetch_phase(session, competition_id, PhaseKind.PRIVATE)


def fetch_practice_phase(session: Session, competition_id: str) -> Phase | None:
    return fetch_phase(session, competition_id, PhaseKind.PRACTICE)


def fetch_phase(session: Session, competition_id: str, kind: PhaseKind) -> Phase | None:
    query = (
        select(Phase)
        .where(Phase.competition_id == competition_id, Phase.kind == kind)
        .options(joinedload(Phase.spec).joinedload(EvaluationSpec.problem))
    )
    return session.scalars(query).one_or_none()


def fetch_phases(session: Session, competition_id: str) -> list[Phase]:
    query = select(Phase).where(Phase.competition_id == competition_id).options(joinedload(Phase.spec))
    return list(session.scalars(query.order_by(Phase.kind)))


def fetch_preparing_phases(session: Session, spec_id: str) -> list[Phase]:
    return list(session.scalars(select(Phase).where(Phase.spec_id == spec_id, Phase.state == PhaseState.PREPARING)))


def store_phase(session: Session, competition_id: str, spec_id: str, kind: PhaseKind) -> Phase:
    phase = Phase(competition_id=competition_id, kind=kind, spec_id=spec_id)
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
            Submission.purpose != Purpose.CALIBRATION,
            Evaluation.spec_id == phase.spec_id,
            Evaluation.phase == PhaseKind.PRIVATE,
            Evaluation.counts,
        )
        .options(selectinload(Evaluation.shards))
        .order_by(Evaluation.created_at)
    )
    return {row.submission_id: row for row in session.scalars(query)}


def fetch_ended_evaluations(session: Session, phase: Phase, submission_ids: Sequence[str]) -> dict[str, Evaluation]:
    """By submission, what counts of these under the phase's spec, if it has ended."""
    query = (
        select(Evaluation)
        .where(
            Evaluation.submission_id.in_(submission_ids),
            Evaluation.spec_id == phase.spec_id,
            Evaluation.phase == PhaseKind.PRIVATE,
            Evaluation.counts,
            Evaluation.verdict.is_not(None),
        )
        .order_by(Evaluation.created_at)
    )
    return {row.submission_id: row for row in session.scalars(query)}


def fetch_slugs(session: Session, slugs: Collection[str]) -> list[str]:
    """Those of these competitions that end in a private phase."""
    query = select(Competition.slug).join(Phase, Phase.competition_id == Competition.id)
    private = query.where(Phase.kind == PhaseKind.PRIVATE, Competition.slug.in_(slugs))
    return list(session.scalars(private.order_by(Competition.slug)))


def count_live_evaluations(session: Session, competition_id: str) -> int:
    """Of the public phase: until they have ended, the best of a team are not known."""
    query = (
        select(func.count())
        .select_from(Evaluation)
        .join(Submission)
        .where(
            Submission.competition_id == competition_id,
            Submission.purpose == Purpose.RANKED,
            Evaluation.phase == PhaseKind.PUBLIC,
            Evaluation.counts,
            Evaluation.verdict.is_(None),
        )
    )
    return session.scalars(query).one()


def fetch_submissions_of_team(session: Session, team_id: str) -> list[Submission]:
    """To the public phase, with their attempts, newest first."""
    query = (
        select(Submission)
        .where(Submission.team_id == team_id, Submission.purpose != Purpose.PRACTICE)
        .options(joinedload(Submission.user), load_attempts())
    )
    return list(session.scalars(query.order_by(Submission.id.desc())))
