"""What staff found when they looked at flags."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now
from core.db.models.submissions import Evaluation
from core.domain.review import FlagVerdict


class FlagDecision(Base):
    """What a person made of one flag; a later decision takes its place, the audit log keeps both."""

    __tablename__ = "flag_decisions"
    __table_args__ = (UniqueConstraint("evaluation_id", "code"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"))
    code: Mapped[str]
    decision: Mapped[FlagVerdict]
    reason: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str]  # a name: accounts may go, what they did stays
    decided_at: Mapped[datetime] = mapped_column(default=utc_now)
    evaluation: Mapped[Evaluation] = relationship(lazy="raise")


class PairDecision(Base):
    """What a person made of two teams' sources being alike."""

    __tablename__ = "pair_decisions"
    __table_args__ = (UniqueConstraint("earlier_id", "later_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"), index=True)
    earlier_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"))
    later_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"))
    decision: Mapped[FlagVerdict]
    reason: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(default=utc_now)
