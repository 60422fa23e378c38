"""What was uploaded, every attempt at it, and what came out."""

from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db.base import Base, new_id, utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition, Team
from core.db.models.problems import EvaluationSpec, Leased
from core.db.models.rejudges import Rejudge
from core.domain.faults import FaultCode
from core.domain.leaderboard import Purpose
from core.domain.licences import Licence
from core.domain.notes import NoteReaders
from core.domain.phases import PhaseKind
from core.domain.runtime import CpuClock
from core.domain.submission import Hold, Status, Verdict
from core.scorecard import ScorecardRecord, dump_summary, parse_scorecard, summarize


def _summarize(context: Any) -> dict[str, Any]:
    return dump_summary(summarize(parse_scorecard(context.get_current_parameters()["body"])))


class Submission(Base):
    __tablename__ = "submissions"
    __table_args__ = (Index("ix_submissions_board", "competition_id", "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    competition_id: Mapped[str] = mapped_column(ForeignKey("competitions.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)  # who uploaded it
    team_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id"), index=True)  # None: a reference, or our own
    filename: Mapped[str]
    source_digest: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    note_readers: Mapped[NoteReaders] = mapped_column(default=NoteReaders.EVERYBODY)
    note_edited_at: Mapped[datetime | None]
    code_prints: Mapped[list[int]] = mapped_column(JSON, default=list, deferred=True)  # core.domain.similarity
    purpose: Mapped[Purpose] = mapped_column(default=Purpose.RANKED)
    selected_at: Mapped[datetime | None]  # for the final ranking, by its team
    disqualified_at: Mapped[datetime | None]
    is_held: Mapped[bool] = mapped_column(default=False)  # without a rank until staff have looked at its flags
    published_at: Mapped[datetime | None]  # since when everybody may read its code
    licence: Mapped[Licence | None]
    disqualified_reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    user: Mapped[User] = relationship(lazy="raise")
    team: Mapped[Team | None] = relationship(lazy="raise")
    competition: Mapped[Competition] = relationship(lazy="raise")
    evaluations: Mapped[list["Evaluation"]] = relationship(lazy="raise", order_by="Evaluation.created_at")


class Evaluation(Base):
    """One attempt at a submission under one spec."""

    __tablename__ = "evaluations"
    __table_args__ = (CheckConstraint("(status = 'finished') = (verdict IS NOT NULL)", name="verdict_when_finished"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"), index=True)
    rejudge_id: Mapped[str | None] = mapped_column(ForeignKey("rejudges.id"), index=True)
    counts: Mapped[bool] = mapped_column(default=True)  # False: of a rejudge that was not promoted; nobody may see it
    status: Mapped[Status] = mapped_column(default=Status.QUEUED, index=True)
    verdict: Mapped[Verdict | None]
    code: Mapped[FaultCode | None]  # of a participant fault
    reason: Mapped[str] = mapped_column(Text, default="")
    refunded: Mapped[bool] = mapped_column(default=False)  # stopped by organizers, or failed by us: no quota counts it
    held: Mapped[Hold | None]  # until staff sends it
    log: Mapped[str] = mapped_column(Text, default="")  # what the participant's code printed; on open problems only
    phase: Mapped[PhaseKind] = mapped_column(default=PhaseKind.PUBLIC)
    node_class: Mapped[str] = mapped_column(default="")  # the only one it runs on, from its first shard on
    replicas_total: Mapped[int]
    score_attempts: Mapped[int] = mapped_column(default=0)
    score_losses: Mapped[int] = mapped_column(default=0)  # scorers that ended without a word
    scoring_until: Mapped[datetime | None]  # a worker's lease on computing the score, or the pause after a failure
    scoring_fence: Mapped[int] = mapped_column(default=0)  # of that lease: outdates a slow holder
    scoring_since: Mapped[datetime | None]  # when it was last taken
    score_failed_on: Mapped[list[str]] = mapped_column(JSON, default=list)  # nodes
    score_fault: Mapped[str] = mapped_column(Text, default="")  # why nobody computes it now; empty while somebody does
    score: Mapped[float | None]
    score_low: Mapped[float | None]
    score_high: Mapped[float | None]
    score_error: Mapped[float | None]  # standard error of the score over fresh models
    score_draws: Mapped[list[float] | None] = mapped_column(JSON)  # rescored parts of both pools, for paired comparison
    scored_replicas: Mapped[int | None]  # fewer than replicas_total where the place was decided early
    decided_early: Mapped[bool] = mapped_column(default=False)  # by the sequential rule: it stands behind its rival
    # its score is not told before the end: on a hidden problem, and within the noise of the best told one of its team
    held_back: Mapped[bool] = mapped_column(default=False)
    relative_runtime: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    submission: Mapped[Submission] = relationship(lazy="raise", back_populates="evaluations")
    spec: Mapped[EvaluationSpec] = relationship(lazy="raise")
    rejudge: Mapped[Rejudge | None] = relationship(lazy="raise")
    shards: Mapped[list["Shard"]] = relationship(lazy="raise", order_by="Shard.position")


class EvaluationEvent(Base):
    """History: one row per move, written in the transaction that moved it."""

    __tablename__ = "evaluation_events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), index=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    status: Mapped[Status]
    verdict: Mapped[Verdict | None]
    detail: Mapped[str] = mapped_column(Text, default="")


class Shard(Leased, Base):
    """A contiguous range of replicas on one forget request; position 0 is the canary.

    One without replicas measures the cost once more.
    """

    __tablename__ = "shards"
    __table_args__ = (UniqueConstraint("evaluation_id", "position"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), index=True)
    position: Mapped[int]
    first: Mapped[int]
    count: Mapped[int]
    request: Mapped[int] = mapped_column(default=0)  # place among the problem's
    finished_replicas: Mapped[int] = mapped_column(default=0)
    outputs_digest: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0)  # that count against it: worker.jobs.breaker
    losses: Mapped[int] = mapped_column(default=0)  # of workers, while it ran
    failed_on: Mapped[list[str]] = mapped_column(JSON, default=list)  # nodes
    failed_at: Mapped[datetime | None]
    measured: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # seconds of its runs and of what was timed beside
    evaluation: Mapped[Evaluation] = relationship(lazy="raise", back_populates="shards")

    @property
    def is_extra(self) -> bool:
        return self.count == 0


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
    cpu_seconds: Mapped[float]  # by `clock`
    clock: Mapped[CpuClock] = mapped_column(default=CpuClock.PROCESS)
    waited_seconds: Mapped[float | None]  # of the wall's, for a core; None where the kernel does not tell
    peak_memory_bytes: Mapped[int]
    weights_sha256: Mapped[str]


class Scorecard(Base):
    """The score, everything it was made from, and its two plots; lists read the summary, which writing fills in."""

    __tablename__ = "scorecards"

    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(deferred=True)  # in the form in which it was written
    summary: Mapped[dict[str, Any]] = mapped_column(default=_summarize)
    epsilon_svg: Mapped[str] = mapped_column(Text, deferred=True)
    confidence_svg: Mapped[str] = mapped_column(Text, deferred=True)
    # single forget examples that a page shows one by one; none on hidden problems
    examples: Mapped[list[Any]] = mapped_column(JSON, default=list, deferred=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    @cached_property
    def record(self) -> ScorecardRecord:
        """Raises UnreadableScorecard for a form that this release does not know."""
        return parse_scorecard(self.body)


class Calibration(Base):
    """What retraining costs in the sandbox on one class of node."""

    __tablename__ = "calibrations"
    __table_args__ = (UniqueConstraint("spec_id", "node_class", "filename"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    spec_id: Mapped[str] = mapped_column(ForeignKey("evaluation_specs.id"))
    node_class: Mapped[str]
    filename: Mapped[str]
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"))
    seconds: Mapped[dict[str, Any]]  # of each replica, and of the shards with what was timed beside
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
