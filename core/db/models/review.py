"""What staff decide about results: flags looked at, and whole sets of submissions evaluated again."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now
from core.db.models.contests import Competition


class FlagDecision(Base):
    """What a person made of one flag; a later decision takes its place, the audit log keeps both."""

    __tablename__ = "flag_decisions"
    __table_args__ = (UniqueConstraint("evaluation_id", "code"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"))
    code: Mapped[str]
    decision: Mapped[str]  # core.domain.review.FlagVerdict
    reason: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str]  # a name: accounts may go, what they did stays
    decided_at: Mapped[datetime] = mapped_column(default=utc_now)


class Rejudge(Base):
    """Submissions evaluated again, aside from the board until somebody has compared the two."""

    __tablename__ = "rejudges"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"), index=True)
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"))
    state: Mapped[str] = mapped_column(default="running")  # core.domain.rejudge.RejudgeState
    scope: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(Text)  # participants read it after the promotion
    started_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    competition: Mapped[Competition] = relationship(lazy="raise")
