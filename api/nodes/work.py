"""What a node may do with its key: say what it is, take a shard, read what that needs, bring back what came of it.

Rows and digests alone are written here; a janitor takes leases and judges results (worker/jobs/fleet.py).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.nodes.callers import Machine
from core.db.base import utc_now
from core.db.models.operations import Node, NodeLease
from core.db.models.submissions import Evaluation, Shard
from core.db.queries import evaluations, fleet, leases, nodes
from core.db.session import reading, transaction
from core.domain.errors import Conflict, InvalidInput, NotFound
from core.domain.fleet import ASK_SECONDS, MOST_SENT, REMOTE, LeaseState
from core.domain.operations import SILENT_AFTER
from core.domain.promises import Promise, explain_refusal, parse_trials
from core.domain.work import WorkState
from core.lifecycle import renew_shard
from core.node_records import NodeReport, NodeTerms, Offer, ShardResult
from core.settings import Settings
from core.storage import BlobStore
from core.version import find_version

OVER = "this lease is over: the shard went to another node, or nobody waits for it any more"
JUDGED_WITHIN = timedelta(minutes=5)  # a janitor that is away for longer finds the lease run out


@dataclass(frozen=True, slots=True)
class Held:
    lease: NodeLease
    shard: Shard


def take_report(session: Session, settings: Settings, machine: Machine, report: NodeReport) -> NodeTerms:
    """Write the node's row, as a worker beside the database writes its own."""
    now, ours = utc_now(), find_version()
    if report.version != ours:
        raise InvalidInput(f"this server runs Lacuna {ours}, and the node {report.version}: install the same on both")
    row = nodes.lock_node(session, machine.name)
    instance = name_instance(report.instance)
    if row is not None and row.instance not in ("", instance) and _lives(row):
        age = (now - row.last_seen_at).total_seconds()
        raise Conflict(f"another machine is the node {machine.name!r}, and reported {age:.0f} s ago")
    row = row or Node(name=machine.name)
    if row.instance != instance:
        row.instance, row.started_at = instance, now
    row.node_class, row.device, row.workers = report.node_class, report.device, report.workers
    row.sandbox, row.version, row.last_seen_at = report.sandbox, report.version, now
    row.promises = report.model_dump(mode="json")["promises"]
    row.fault = report.fault or _find_fault(settings, report)
    nodes.store_node(session, row)
    return NodeTerms(
        name=machine.name,
        purposes=list(machine.purposes),
        lease_seconds=settings.lease_seconds,
        upload_bytes=settings.upload_bytes,
        production=settings.production,
        server_time=now,
        is_draining=row.draining_since is not None,
    )


def leave(session: Session, machine: Machine, instance: str) -> None:
    """The name is free at once, and what the node held goes to others."""
    row = nodes.lock_node(session, machine.name)
    if row is not None and row.instance == name_instance(instance):
        row.instance, row.last_seen_at = "", utc_now() - SILENT_AFTER - timedelta(seconds=1)
        fleet.end_leases(session, machine.name, utc_now())


def open_request(engine: Engine, machine: Machine, instance: str) -> str:
    with transaction(engine) as session:
        row = nodes.fetch_node(session, machine.name)
        if row is None or row.instance != name_instance(instance):
            raise Conflict("report what this node is before it asks for work")
        return fleet.store_request(session, machine.name, utc_now() + timedelta(seconds=ASK_SECONDS))


def find_offer(engine: Engine, lease_id: str) -> Offer | None:
    with reading(engine) as session:
        lease = fleet.fetch_lease(session, lease_id)
        if lease is None or lease.state is not LeaseState.HELD:
            return None
        shard = evaluations.fetch_shard(session, str(lease.shard_id))
        whole = evaluations.fetch_evaluation(session, shard.evaluation_id) if shard else None
        return _make_offer(lease, shard, whole) if shard and whole else None


def look(engine: Engine, lease_id: str) -> tuple[Offer | None, bool]:
    """What was given, and whether the question still stands: who leaves takes it back."""
    with reading(engine) as session:
        stands = fleet.fetch_lease(session, lease_id) is not None
    return find_offer(engine, lease_id), stands


def withdraw(engine: Engine, lease_id: str) -> Offer | None:
    """Ask no longer; what was given at the last moment is taken."""
    with transaction(engine) as session:
        is_gone = fleet.withdraw_request(session, lease_id)
    return None if is_gone else find_offer(engine, lease_id)


def report_progress(session: Session, settings: Settings, machine: Machine, lease_id: str, finished: int) -> bool:
    """False where nobody waits for it any more, which is no fault of the node."""
    lease = fleet.fetch_lease(session, lease_id)
    shard = evaluations.fetch_shard(session, lease.shard_id) if lease and lease.shard_id else None
    if lease is None or shard is None or lease.node != machine.name or finished > max(shard.count, 0):
        return False
    until = utc_now() + timedelta(seconds=settings.lease_seconds)
    return renew_shard(session, shard.id, lease.fence, shard.evaluation_id, until=until, finished=finished)


def open_blob(engine: Engine, store: BlobStore, machine: Machine, lease_id: str, digest: str) -> BinaryIO:
    """One that the lease names, while it is held."""
    with reading(engine) as session:
        held = load_held(session, machine, lease_id)
        evaluation = evaluations.fetch_evaluation(session, held.shard.evaluation_id)
        source = evaluation.submission.source_digest if evaluation else ""
        inputs = held.lease.inputs
    if digest not in {source, inputs["spare"], inputs["data"], *inputs["originals"]}:
        raise NotFound("this lease needs no such blob")
    return store.open(digest)


def admit_output(engine: Engine, machine: Machine, lease_id: str) -> int:
    """How many bytes it may have; raises Conflict for more than a shard has outputs."""
    with transaction(engine) as session:
        load_held(session, machine, lease_id)
        row = fleet.lock_lease(session, lease_id)
        if row is None or row.sent >= MOST_SENT:
            raise Conflict("this lease has sent all that a shard can have")
        row.sent += 1
        return int(row.inputs["output_bytes"])


def take_result(session: Session, machine: Machine, lease_id: str, result: ShardResult) -> None:
    """Once: until it is judged the shard is held for it."""
    held = load_held(session, machine, lease_id)
    row = fleet.lock_lease(session, lease_id)
    if row is None or row.state is not LeaseState.HELD:
        raise Conflict(OVER)
    if not leases.renew(session, Shard, held.shard.id, row.fence, until=utc_now() + JUDGED_WITHIN):
        raise Conflict(OVER)
    row.state, row.result = LeaseState.RETURNED, result.model_dump(mode="json")


def load_held(session: Session, machine: Machine, lease_id: str) -> Held:
    lease = fleet.fetch_lease(session, lease_id)
    if lease is None or lease.node != machine.name:
        raise NotFound("this node holds no such lease")
    shard = evaluations.fetch_shard(session, lease.shard_id) if lease.shard_id else None
    if (
        lease.state is not LeaseState.HELD
        or shard is None
        or shard.state != WorkState.LEASED
        or shard.fence != lease.fence
        or shard.lease_until is None
        or shard.lease_until <= utc_now()
    ):
        raise Conflict(OVER)
    return Held(lease, shard)


def name_instance(instance: str) -> str:
    """As workers beside the database name theirs: worker/jobs/instance.py reads machine, process and start of it."""
    return f"{REMOTE}{instance} 0 0"


def _lives(row: Node) -> bool:
    return utc_now() - row.last_seen_at <= SILENT_AFTER


def _find_fault(settings: Settings, report: NodeReport) -> str:
    if settings.production and set(report.promises) != set(Promise):
        return "the node did not try what its boxes promise"
    trials = parse_trials(report.model_dump(mode="json")["promises"])
    return explain_refusal(trials, report.sandbox, production=settings.production)


def _make_offer(lease: NodeLease, shard: Shard, evaluation: Evaluation) -> Offer:
    return Offer(
        lease=lease.id,
        shard_id=shard.id,
        fence=lease.fence,
        evaluation_id=evaluation.id,
        position=shard.position,
        first=shard.first,
        count=shard.count,
        request=shard.request,
        purpose=evaluation.submission.purpose,
        filename=evaluation.submission.filename,
        source_digest=evaluation.submission.source_digest,
        terms=evaluation.spec.terms.model_dump(mode="json"),
        **lease.inputs,
    )
