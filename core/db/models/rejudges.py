"""Sets of submissions that staff had evaluated again."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now
from core.db.models.contests import Competition
from core.domain.rejudge import RejudgeState


class Rejudge(Base):
    """Submissions evaluated again, aside from the board until somebody has compared the two."""

    __tablename__ = "rejudges"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"), index=True)
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"))
    state: Mapped[RejudgeState] = mapped_column(default=RejudgeState.RUNNING)
    scope: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(Text)  # participants read it after the promotion
    started_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    competition: Mapped[Competition] = relationship(lazy="raise")
