"""Tables. Relationships raise when they were not asked for; choices are strings checked by their enums."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now


class User(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(default="participant")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ApiToken(Base):
    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    label: Mapped[str] = mapped_column(default="")
    scopes: Mapped[str] = mapped_column(default="read submit manage")
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    user: Mapped[User] = relationship(lazy="raise")


class BrowserSession(Base):
    """A log-in with a password; its secret lives in a cookie, here only its SHA-256."""

    __tablename__ = "browser_sessions"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user: Mapped[User] = relationship(lazy="raise")


class LoginFailure(Base):
    """A wrong password; counted by the name that was tried, whether or not there is such an account."""

    __tablename__ = "login_failures"
    __table_args__ = (Index("ix_login_failures_name_at", "name", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=utc_now)


class Problem(Base):
    """One version of a problem file; the digest is its identity."""

    __tablename__ = "problems"
    __table_args__ = (UniqueConstraint("slug", "digest"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(index=True)
    digest: Mapped[str]
    spec: Mapped[dict[str, Any]]
    manifest: Mapped[dict[str, Any] | None]  # of the forget request, written by the first pool chunk
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Leased:
    """A piece of work that one worker at a time holds: a lease, and a fence that outdates slow holders."""

    state: Mapped[str] = mapped_column(default="pending", index=True)  # pending, leased, done, abandoned
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(index=True)
    worker: Mapped[str | None]
    fault: Mapped[str] = mapped_column(default="")  # why the last attempt failed on our side


class Pool(Base):
    __tablename__ = "pools"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    problem_id: Mapped[str] = mapped_column(ForeignKey("problems.id"), index=True)
    kind: Mapped[str]
    size: Mapped[int]
    state: Mapped[str] = mapped_column(default="building")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sealed_at: Mapped[datetime | None]
    metrics: Mapped[dict[str, Any] | None]
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
    pool: Mapped[Pool] = relationship(lazy="raise", back_populates="chunks")


class EvaluationSpec(Base):
    """Everything a score depends on; never changed, ranked only within itself."""

    __tablename__ = "evaluation_specs"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    digest: Mapped[str] = mapped_column(unique=True)
    problem_id: Mapped[str] = mapped_column(ForeignKey("problems.id"), index=True)
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    problem: Mapped[Problem] = relationship(lazy="raise")


class Competition(Base):
    __tablename__ = "competitions"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(default="preparing")  # core.domain.competition.CompetitionState
    fault: Mapped[str] = mapped_column(Text, default="")  # why preparing cannot go on
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"))
    daily_limit: Mapped[int] = mapped_column(default=50)
    concurrent_limit: Mapped[int] = mapped_column(default=5)
    team_size: Mapped[int] = mapped_column(default=5)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    spec: Mapped[EvaluationSpec] = relationship(lazy="raise")


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


class Submission(Base):
    __tablename__ = "submissions"
    __table_args__ = (Index("ix_submissions_board", "competition_id", "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))  # who uploaded it
    team_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id"), index=True)  # None: a reference, or our own
    filename: Mapped[str]
    source_digest: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    purpose: Mapped[str] = mapped_column(default="ranked")  # ranked, reference (no gate, no rank), calibration
    disqualified_at: Mapped[datetime | None]
    disqualified_reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    user: Mapped[User] = relationship(lazy="raise")
    team: Mapped[Team | None] = relationship(lazy="raise")
    competition: Mapped[Competition] = relationship(lazy="raise")
    evaluations: Mapped[list["Evaluation"]] = relationship(lazy="raise", order_by="Evaluation.created_at")


class AuditEntry(Base):
    """One deed of staff; triggers refuse to change or delete it."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    actor: Mapped[str]  # a name: accounts may go, what they did stays
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]]
    previous_sha256: Mapped[str] = mapped_column(unique=True)  # two entries cannot follow the same one
    sha256: Mapped[str] = mapped_column(unique=True)


class AuditHead(Base):
    """The digest of the last entry, in one row that is locked to append."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str]


class IdempotencyKey(Base):
    """A POST that was answered once is answered the same way again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str]
    request_sha256: Mapped[str]
    object_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Evaluation(Base):
    """One attempt at a submission under one spec."""

    __tablename__ = "evaluations"
    __table_args__ = (CheckConstraint("(status = 'finished') = (verdict IS NOT NULL)", name="verdict_when_finished"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"), index=True)
    status: Mapped[str] = mapped_column(default="queued", index=True)
    verdict: Mapped[str | None]
    code: Mapped[str] = mapped_column(default="")  # FaultCode of a participant fault
    reason: Mapped[str] = mapped_column(Text, default="")
    log: Mapped[str] = mapped_column(Text, default="")  # what the participant's code printed; practice only
    replicas_total: Mapped[int]
    score_attempts: Mapped[int] = mapped_column(default=0)
    score: Mapped[float | None]
    score_low: Mapped[float | None]
    score_high: Mapped[float | None]
    score_error: Mapped[float | None]  # standard error of the score over fresh models
    score_draws: Mapped[list[float] | None] = mapped_column(JSON)  # rescored parts of both pools, for paired comparison
    scored_replicas: Mapped[int | None]  # fewer than replicas_total where the place was decided early
    decision: Mapped[str] = mapped_column(default="")  # of the sequential rule: "", behind
    relative_runtime: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    submission: Mapped[Submission] = relationship(lazy="raise", back_populates="evaluations")
    spec: Mapped[EvaluationSpec] = relationship(lazy="raise")
    shards: Mapped[list["Shard"]] = relationship(lazy="raise", order_by="Shard.position")


class EvaluationEvent(Base):
    """History: one row per move, written in the transaction that moved it."""

    __tablename__ = "evaluation_events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), index=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    status: Mapped[str]
    verdict: Mapped[str | None]
    detail: Mapped[str] = mapped_column(Text, default="")


class Shard(Leased, Base):
    """A contiguous range of replicas; position 0 is the canary."""

    __tablename__ = "shards"
    __table_args__ = (UniqueConstraint("evaluation_id", "position"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), index=True)
    position: Mapped[int]
    first: Mapped[int]
    count: Mapped[int]
    finished_replicas: Mapped[int] = mapped_column(default=0)
    outputs_digest: Mapped[str | None]
    evaluation: Mapped[Evaluation] = relationship(lazy="raise", back_populates="shards")


class Replica(Base):
    """One seeded run that counts; the unique pair is why none counts twice."""

    __tablename__ = "replicas"
    __table_args__ = (UniqueConstraint("evaluation_id", "position"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), index=True)
    shard_id: Mapped[str] = mapped_column(ForeignKey("shards.id"))
    position: Mapped[int]
    seed: Mapped[str]  # an unsigned 64-bit number, which SQL integers cannot hold
    wall_seconds: Mapped[float]
    cpu_seconds: Mapped[float]
    peak_memory_bytes: Mapped[int]
    weights_sha256: Mapped[str]


class Scorecard(Base):
    """The score, everything it was made from, and its two plots."""

    __tablename__ = "scorecards"

    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    body: Mapped[dict[str, Any]]
    epsilon_svg: Mapped[str] = mapped_column(Text)
    confidence_svg: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Calibration(Base):
    """What one file costs in the sandbox on one class of node: retraining, and doing nothing."""

    __tablename__ = "calibrations"
    __table_args__ = (UniqueConstraint("spec_id", "node_class", "filename"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"))
    node_class: Mapped[str]
    filename: Mapped[str]
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"))
    seconds: Mapped[dict[str, Any]]  # {"wall": [per replica], "cpu": [per replica]}
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Outbox(Base):
    """Tasks to send; a row is written with the change that calls for it and deleted once the broker has it."""

    __tablename__ = "outbox"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    task: Mapped[str]
    object_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
