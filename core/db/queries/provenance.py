"""SQL about what scores were made with."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.models.submissions import Scorecard


def fetch_newest_scorecard(session: Session) -> Scorecard | None:
    return session.scalars(select(Scorecard).order_by(Scorecard.created_at.desc()).limit(1)).one_or_none()
