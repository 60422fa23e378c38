"""What belongs to the life of a competition: rules, a private phase, grants, announcements, what people say."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now
from core.db.models.accounts import User
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


class DiscussionThread(Base):
    """What people say to each other about a competition; the first post is what its author began it with."""

    __tablename__ = "discussion_threads"
    __table_args__ = (Index("ix_discussion_threads_competition_posted", "competition_id", "last_post_at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str]
    by_staff: Mapped[bool]  # what its author was when it was begun
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_post_at: Mapped[datetime] = mapped_column(default=utc_now)
    pinned_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]  # takes no replies
    hidden_at: Mapped[datetime | None]  # its author and staff still see it
    hidden_reason: Mapped[str] = mapped_column(Text, default="")
    user: Mapped[User] = relationship(lazy="raise")


class DiscussionPost(Base):
    __tablename__ = "discussion_posts"
    __table_args__ = (Index("ix_discussion_posts_user_created", "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    thread_id: Mapped[str] = mapped_column(ForeignKey("discussion_threads.id"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(Text)  # Markdown
    by_staff: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    edited_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    hidden_reason: Mapped[str] = mapped_column(Text, default="")
    user: Mapped[User] = relationship(lazy="raise")
