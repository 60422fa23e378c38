"""SQL about a team's quota: nothing is written for it, the rows that spend it and grant to it are the ledger."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.models.accounts import User
from core.db.models.contests import TeamMember
from core.db.models.lifecycle import QuotaGrant
from core.db.models.submissions import Evaluation, Submission
from core.db.queries.evaluations import given_back, is_charged_to, is_of
from core.domain.phases import PhaseKind
from core.domain.submission import Verdict


class Charge(NamedTuple):
    """A submission, and when it was given back: we failed it, or stopped it at no cost."""

    submission_id: str
    filename: str
    user: str
    at: datetime
    refunded_at: datetime | None
    refunded_verdict: Verdict | None  # how what was given back ended


def fetch_charges(session: Session, competition_id: str, user_id: str, *, limit: int) -> list[Charge]:
    """What counts or counted against a user's team, newest first."""
    ours = given_back(PhaseKind.PUBLIC)
    refunded_at = select(func.max(Evaluation.finished_at)).where(*ours).scalar_subquery()
    verdict = select(func.max(Evaluation.verdict)).where(*ours).scalar_subquery()
    query = (
        select(Submission.id, Submission.filename, User.name, Submission.created_at, refunded_at, verdict)
        .join(User, User.id == Submission.user_id)
        .where(is_charged_to(user_id, competition_id), is_of(PhaseKind.PUBLIC))
        .order_by(Submission.id.desc())
    )
    return [Charge(*row) for row in session.execute(query.limit(limit))]


def fetch_grants(session: Session, competition_id: str, user_id: str, *, limit: int) -> list[QuotaGrant]:
    query = (
        select(QuotaGrant)
        .join(TeamMember, TeamMember.team_id == QuotaGrant.team_id)
        .where(TeamMember.competition_id == competition_id, TeamMember.user_id == user_id)
    )
    return list(session.scalars(query.order_by(QuotaGrant.created_at.desc()).limit(limit)))
