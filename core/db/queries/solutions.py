"""SQL about solutions that their authors published."""

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from core.db.models.submissions import Submission

MOST = 200


def fetch_published(session: Session, competition_id: str) -> list[Submission]:
    """The newest first, without those that were taken off the board."""
    query = (
        select(Submission)
        .where(
            Submission.competition_id == competition_id,
            Submission.published_at.is_not(None),
            Submission.disqualified_at.is_(None),
        )
        .options(joinedload(Submission.user), joinedload(Submission.team))
        .order_by(Submission.published_at.desc())
        .limit(MOST)
    )
    return list(session.scalars(query))
