"""SQL about the images of competitions."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.db.models.contests import CompetitionImage


def store_image(session: Session, image: CompetitionImage) -> None:
    session.add(image)
    session.flush()


def fetch_images(session: Session, competition_id: str) -> list[CompetitionImage]:
    """Newest first."""
    query = select(CompetitionImage).where(CompetitionImage.competition_id == competition_id)
    return list(session.scalars(query.order_by(CompetitionImage.id.desc())))


def fetch_image(session: Session, competition_id: str, digest: str) -> CompetitionImage | None:
    query = select(CompetitionImage).where(
        CompetitionImage.competition_id == competition_id, CompetitionImage.digest == digest
    )
    return session.scalars(query).one_or_none()


def count_images(session: Session, competition_id: str) -> int:
    query = select(func.count()).where(CompetitionImage.competition_id == competition_id)
    return session.execute(query).scalar_one()


def count_images_since(session: Session, user_id: str, since: datetime) -> tuple[int, datetime | None]:
    """How many an account brought, and when the first of them."""
    query = select(func.count(), func.min(CompetitionImage.created_at)).where(
        CompetitionImage.user_id == user_id, CompetitionImage.created_at >= since
    )
    count, oldest = session.execute(query).one()
    return count, oldest


def remove_image(session: Session, image: CompetitionImage) -> None:
    session.execute(delete(CompetitionImage).where(CompetitionImage.id == image.id))
