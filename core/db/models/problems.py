"""What is unlearned and against what it is judged: problem versions, pools, evaluation specs."""

from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now
from core.domain.pools import PoolKind, PoolState
from core.domain.work import WorkState
from core.problems import ProblemSpec
from core.terms import Terms, parse_stored_problem, parse_terms


class Problem(Base):
    """One version of a problem file; the digest is its identity."""

    __tablename__ = "problems"
    __table_args__ = (UniqueConstraint("slug", "digest"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(index=True)
    digest: Mapped[str]
    spec: Mapped[dict[str, Any]]
    manifest: Mapped[dict[str, Any] | None]  # of the forget request, written by the first pool chunk
    preview: Mapped[dict[str, Any] | None]  # what a worker found in it, on request; for admins alone
    description: Mapped[dict[str, Any] | None]  # words by title, of what a submission gets: worker/described.py
    class_counts: Mapped[dict[str, Any] | None]  # worker/described.py, of each split; not shown where data is hidden
    headroom: Mapped[dict[str, Any] | None]  # core.domain.headroom, measured when its pools were whole
    learning: Mapped[dict[str, Any] | None]  # core.domain.learning, when its pools were whole
    preparing_until: Mapped[datetime | None]  # a worker's lease on loading it to plan its pools
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    @cached_property
    def parsed(self) -> ProblemSpec:
        """Raises PlatformFault for a problem that this release cannot read."""
        return parse_stored_problem(self.spec)


class Leased:
    """A piece of work that one worker at a time holds: a lease, and a fence that outdates slow holders."""

    state: Mapped[WorkState] = mapped_column(default=WorkState.PENDING, index=True)
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(index=True)
    worker: Mapped[str | None]
    fault: Mapped[str] = mapped_column(default="")  # why the last attempt failed on our side
    claimed_at: Mapped[datetime | None]  # when it was last taken
    moved_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)  # when anything of it last changed


class Pool(Base):
    __tablename__ = "pools"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    problem_id: Mapped[str] = mapped_column(ForeignKey("problems.id"), index=True)
    kind: Mapped[PoolKind]
    request: Mapped[int] = mapped_column(default=0)  # place among the problem's forget requests
    size: Mapped[int]
    state: Mapped[PoolState] = mapped_column(default=PoolState.BUILDING)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sealed_at: Mapped[datetime | None]
    metrics: Mapped[dict[str, Any] | None]
    seal: Mapped[dict[str, Any] | None]  # digests of every chunk and member, recorded when it was sealed
    problem: Mapped[Problem] = relationship(lazy="raise")
    chunks: Mapped[list["PoolChunk"]] = relationship(lazy="raise", order_by="PoolChunk.position")


class PoolChunk(Leased, Base):
    __tablename__ = "pool_chunks"
    __table_args__ = (UniqueConstraint("pool_id", "position"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    pool_id: Mapped[str] = mapped_column(ForeignKey("pools.id"), index=True)
    position: Mapped[int]
    first: Mapped[int]
    count: Mapped[int]
    failures: Mapped[int] = mapped_column(default=0)  # that count against it: worker.jobs.breaker
    failed_on: Mapped[list[str]] = mapped_column(JSON, default=list)  # nodes
    pool: Mapped[Pool] = relationship(lazy="raise", back_populates="chunks")


class EvaluationSpec(Base):
    """Everything a score depends on; never changed, ranked only within itself."""

    __tablename__ = "evaluation_specs"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    digest: Mapped[str] = mapped_column(unique=True)
    problem_id: Mapped[str] = mapped_column(ForeignKey("problems.id"), index=True)
    body: Mapped[dict[str, Any]]  # what was hashed, byte for byte
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    problem: Mapped[Problem] = relationship(lazy="raise")

    @cached_property
    def terms(self) -> Terms:
        """Raises PlatformFault for terms that this release cannot read."""
        return parse_terms(self.body)
