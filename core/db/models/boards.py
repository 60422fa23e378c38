"""Leaderboards with their history: what stood on a board from which change to which, and why it changed.

A board at a version is fixed for ever: every line says the change it came with and the change it went with.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, new_id, utc_now
from core.domain.history import Cause
from core.domain.leaderboard import Place
from core.domain.owner import Owner

_NOW = text("until_version IS NULL")


class Board(Base):
    """One competition under one spec; its row is locked to change it, so changes follow one another."""

    __tablename__ = "boards"
    __table_args__ = (UniqueConstraint("competition_id", "spec_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"))
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"))
    version: Mapped[int] = mapped_column(default=0)  # of the last change
    frozen_version: Mapped[int | None]  # what participants see while the competition is frozen
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)
    digest: Mapped[str] = mapped_column(default="")  # of the last change, and through it of all before
    ceiling: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    # the running best of all that count, whatever it shows of them; None: not known yet
    records: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)


class BoardChange(Base):
    """Why a board changed; the lines that came and went carry its version."""

    __tablename__ = "board_changes"
    __table_args__ = (UniqueConstraint("board_id", "version"), Index("ix_board_changes_at", "board_id", "at"))

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    board_id: Mapped[str] = mapped_column(ForeignKey("boards.id"))
    version: Mapped[int]
    at: Mapped[datetime]
    cause: Mapped[Cause]
    name: Mapped[str] = mapped_column(default="")  # whose line it was; empty where it was the whole board
    submission_id: Mapped[str | None] = mapped_column(ForeignKey("submissions.id"))
    rank_before: Mapped[int | None]
    rank_after: Mapped[int | None]
    lines: Mapped[int]  # how many came or went
    digest: Mapped[str]


class BoardLine(Base):
    """What one participant showed from `since_version` until before `until_version`; ordered by the five columns."""

    __tablename__ = "board_lines"
    __table_args__ = (
        # what says where a line stood and when comes along, so that skipping and counting lines reads no line
        Index(
            "ix_board_lines_order",
            "board_id",
            "is_below",
            "is_early",
            "score_key",
            "runtime_key",
            "accepted_at",
            "id",
            "place",
            "since_version",
            "until_version",
        ),
        Index("ix_board_lines_owner", "board_id", "owner"),
        # the second lock on the door: nobody stands twice on one part of a board
        Index(
            "ix_board_lines_now", "board_id", "owner", "place", unique=True, sqlite_where=_NOW, postgresql_where=_NOW
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    board_id: Mapped[str] = mapped_column(ForeignKey("boards.id"))
    owner: Mapped[Owner]
    place: Mapped[Place]
    since_version: Mapped[int]
    until_version: Mapped[int | None]
    is_below: Mapped[bool]
    is_early: Mapped[bool]
    score_key: Mapped[float]
    runtime_key: Mapped[float]
    accepted_at: Mapped[datetime]
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"))
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"))
    body: Mapped[dict[str, Any]]  # everything shown of it
    draws: Mapped[bytes] = mapped_column(LargeBinary)  # its score's draws, packed
