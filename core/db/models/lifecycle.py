"""What belongs to the life of a competition: rules and their acceptance, a private phase, grants, announcements."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now
from core.db.models.problems import EvaluationSpec
from core.domain.phases import PhaseKind, PhaseState


class RulesVersion(Base):
    """Rules are never changed, only followed by another version; an empty one takes them back."""

    __tablename__ = "rules_versions"
    __table_args__ = (UniqueConstraint("competition_id", "version"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)  # Markdown
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class RulesAcceptance(Base):
    __tablename__ = "rules_acceptances"
    __table_args__ = (UniqueConstraint("rules_id", "user_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    rules_id: Mapped[str] = mapped_column(ForeignKey("rules_versions.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    accepted_at: Mapped[datetime] = mapped_column(default=utc_now)


class Phase(Base):
    """Another spec of a competition beside its public one, and how far it is: core.domain.phases."""

    __tablename__ = "phases"
    __table_args__ = (UniqueConstraint("competition_id", "kind"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"))
    kind: Mapped[PhaseKind]
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"), index=True)
    state: Mapped[PhaseState] = mapped_column(default=PhaseState.PREPARING)
    fault: Mapped[str] = mapped_column(Text, default="")  # why preparing cannot go on; for staff
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    proposed_by: Mapped[str | None]  # who asks somebody else to publish, where it takes two
    proposed_at: Mapped[datetime | None]
    proposed_digest: Mapped[str | None]  # of the board that was looked at
    spec: Mapped[EvaluationSpec] = relationship(lazy="raise")


class QuotaGrant(Base):
    """A credit in a team's ledger; its debits are its submissions, and what failed on our side was never debited."""

    __tablename__ = "quota_grants"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), index=True)
    amount: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Announcement(Base):
    __tablename__ = "announcements"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"), index=True)
    title: Mapped[str]
    text: Mapped[str] = mapped_column(Text)  # Markdown
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    edited_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]  # nobody is shown it any more; what it said is in the audit log
