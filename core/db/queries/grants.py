"""SQL about what organizers granted to teams beyond the limits."""

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core.db.models.contests import TeamMember
from core.db.models.lifecycle import QuotaGrant


def store_grant(session: Session, team_id: str, amount: int, *, reason: str, author: str) -> QuotaGrant:
    row = QuotaGrant(team_id=team_id, amount=amount, reason=reason, author=author)
    session.add(row)
    session.flush()
    return row


def sum_grants(session: Session, competition_id: str, user_id: str, since: datetime | None = None) -> int:
    """What the user's team was granted, in all or since a moment."""
    query = (
        select(func.coalesce(func.sum(QuotaGrant.amount), 0))
        .join(TeamMember, TeamMember.team_id == QuotaGrant.team_id)
        .where(TeamMember.competition_id == competition_id, TeamMember.user_id == user_id)
    )
    if since is not None:
        query = query.where(QuotaGrant.created_at >= since)
    return session.scalars(query).one()


def move_grants(session: Session, source_id: str, target_id: str) -> None:
    session.execute(update(QuotaGrant).where(QuotaGrant.team_id == source_id).values(team_id=target_id))


def delete_grants(session: Session, team_id: str) -> None:
    session.execute(delete(QuotaGrant).where(QuotaGrant.team_id == team_id))
