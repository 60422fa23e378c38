"""Who competes in what."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now
from core.db.models.accounts import User
from core.db.models.problems import EvaluationSpec
from core.domain.commitments import KEY_BYTES
from core.domain.competition import CompetitionState, find_state


def _draw_key() -> str:
    return secrets.token_hex(KEY_BYTES)


class Competition(Base):
    __tablename__ = "competitions"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(Text, default="")
    overview: Mapped[str] = mapped_column(Text, default="")  # Markdown, on its first tab
    cover: Mapped[str | None]  # digest of one of its images
    cover_alt: Mapped[str] = mapped_column(default="")
    state: Mapped[CompetitionState] = mapped_column(default=CompetitionState.PREPARING)
    fault: Mapped[str] = mapped_column(Text, default="")  # why preparing cannot go on
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"))
    daily_limit: Mapped[int] = mapped_column(default=50)
    leak_bits: Mapped[int] = mapped_column(default=5_000)  # of a hidden problem, to a team: core.domain.leaks
    daily_refunds: Mapped[int] = mapped_column(default=5)  # of platform errors and of refused files; more are charged
    concurrent_limit: Mapped[int] = mapped_column(default=5)
    total_limit: Mapped[int | None]  # None: as many as the days hold
    practice_daily_limit: Mapped[int] = mapped_column(default=20)  # of the practice phase; 0 closes it
    practice_concurrent_limit: Mapped[int] = mapped_column(default=2)
    team_size: Mapped[int] = mapped_column(default=5)
    selection_limit: Mapped[int] = mapped_column(default=2)  # finalists of a team
    publish_approvals: Mapped[int] = mapped_column(default=1)  # how many of the staff it takes to publish
    closes_at: Mapped[datetime | None]  # the deadline; None: until somebody closes it
    deadline_told: Mapped[datetime | None]  # which deadline its teams were reminded of
    opens_by_hand: Mapped[bool] = mapped_column(default=False)  # staff open it once it is prepared
    prepared_at: Mapped[datetime | None]  # when its pools were sealed and retraining was measured
    commitment_key: Mapped[str] = mapped_column(default=_draw_key)  # of its public digests; secret until the end
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    spec: Mapped[EvaluationSpec] = relationship(lazy="raise")

    def state_at(self, now: datetime) -> CompetitionState:
        return find_state(self.state, self.closes_at, now)


class CompetitionImage(Base):
    """An image for its pages, drawn again by the platform; the bytes are a blob."""

    __tablename__ = "competition_images"
    __table_args__ = (UniqueConstraint("competition_id", "digest"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"))
    digest: Mapped[str]
    alt: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)  # who brought it
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Team(Base):
    """Who competes: one or several people in one competition; submissions, quota and place are a team's."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("competition_id", "folded_name"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"))
    name: Mapped[str]
    folded_name: Mapped[str]  # names that differ only in case would be mistaken for each other
    leader_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    members: Mapped[list["TeamMember"]] = relationship(lazy="raise", order_by="TeamMember.joined_at")
    competition: Mapped[Competition] = relationship(lazy="raise")


class TeamMember(Base):
    """The unique pair is why nobody is in two teams of one competition."""

    __tablename__ = "team_members"
    __table_args__ = (UniqueConstraint("competition_id", "user_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"), index=True)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    joined_at: Mapped[datetime] = mapped_column(default=utc_now)
    user: Mapped[User] = relationship(lazy="raise")


class TeamInvite(Base):
    __tablename__ = "team_invites"
    __table_args__ = (UniqueConstraint("team_id", "user_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    team: Mapped[Team] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")


class SetUp(Base):
    """A competition that somebody sets up step by step: what was typed so far, of which no file was made yet."""

    __tablename__ = "set_ups"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    values: Mapped[dict[str, Any]]  # by the path in the file: a text, or texts
    started_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)
