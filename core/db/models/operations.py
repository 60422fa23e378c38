"""What keeps the platform honest and moving: the audit log, tasks to send, the nodes that do them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, Choices, new_id, utc_now
from core.domain.duties import Duty
from core.domain.fleet import LeaseState
from core.domain.leaderboard import Purpose
from core.domain.runtime import CpuClock


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


class Outbox(Base):
    """Tasks to send; a row is written with the change that calls for it and deleted once the broker has it."""

    __tablename__ = "outbox"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    task: Mapped[str]
    object_id: Mapped[str]
    priority: Mapped[int] = mapped_column(default=0)  # 0 goes first: core.jobs
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class JanitorTurn(Base):
    """When something that janitors do again and again was done last, by whichever of them."""

    __tablename__ = "janitor_turns"

    duty: Mapped[Duty] = mapped_column(primary_key=True)
    tried_at: Mapped[datetime]
    turned_at: Mapped[datetime | None]  # the last time that it went well
    every_seconds: Mapped[float]
    node: Mapped[str]
    fault: Mapped[str] = mapped_column(Text, default="")  # of the last time; empty if it went well


class Node(Base):
    """A machine, or a container, that runs workers; it writes its row itself and staff write `draining`."""

    __tablename__ = "nodes"

    name: Mapped[str] = mapped_column(primary_key=True)
    node_class: Mapped[str]
    device: Mapped[str]
    sandbox: Mapped[str]  # the backend it chose; empty if it has none
    clock: Mapped[CpuClock | None]  # that its latest shard was timed by; None before the first
    version: Mapped[str]
    workers: Mapped[int]
    fault: Mapped[str] = mapped_column(Text, default="")  # why it can run nothing
    promises: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what became of trying the opposite of each
    instance: Mapped[str] = mapped_column(default="")  # which start of which worker writes it: worker.jobs.instance
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    draining_since: Mapped[datetime | None]  # it claims nothing more
    drain_reason: Mapped[str] = mapped_column(Text, default="")
    strikes: Mapped[int] = mapped_column(default=0)  # failures on our side in a row
    succeeded_at: Mapped[datetime | None]  # when it last did a shard well
    resting_until: Mapped[datetime | None]  # it claims nothing before
    rest_reason: Mapped[str] = mapped_column(Text, default="")


class NodeKey(Base):
    """Lets one machine take work over HTTP under its name, until it is revoked."""

    __tablename__ = "node_keys"

    name: Mapped[str] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(unique=True)
    purposes: Mapped[tuple[Purpose, ...]] = mapped_column(Choices(Purpose))  # of submissions that it may run
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    rotated_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class NodeLease(Base):
    """What one slot of such a node asked for, holds or brought back: ids and digests; gone once it was judged."""

    __tablename__ = "node_leases"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    node: Mapped[str] = mapped_column(index=True)
    state: Mapped[LeaseState] = mapped_column(default=LeaseState.ASKED)
    until: Mapped[datetime]  # it waits for work, or counts as gone unless its shard is held
    shard_id: Mapped[str | None]
    fence: Mapped[int] = mapped_column(default=0)
    sent: Mapped[int] = mapped_column(default=0)  # outputs, whatever they were worth
    # what `core.node_records.Offer` says beside the shard's own row
    inputs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
