"""Hands shards to nodes that work over HTTP, and judges what they bring back, by the rules of every worker.

The API keeps what such a node asks for and sends; a janitor takes the lease in the node's name, and applies the result
under its fence. A node is less trusted than a worker: what it sends is parsed, and stored as this side writes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

import structlog

from core.db.base import utc_now
from core.db.models.operations import Node, NodeLease
from core.db.queries import fleet, nodes
from core.db.queries.shares import fetch_turns
from core.db.session import reading, transaction
from core.domain.data_sets import parse_reference
from core.domain.errors import PlatformFault
from core.domain.fleet import FORGOTTEN_AFTER, LeaseState
from core.domain.promises import keeps_quiet, parse_trials
from core.node_records import ShardResult
from worker.jobs.context import WorkerContext
from worker.jobs.shards import ShardWork, begin, conclude, give_back, recall
from worker.replicas.execution import Batch
from worker.replicas.outputs import ModelOutputs
from worker.shards.results import limit_outputs, read_batch
from worker.training.pools import read_chunk
from worker.training.spare import find_spare

log = structlog.get_logger()
LOOKED_AT = 4  # others may take the first ones at this moment
WAITING_SECONDS = 2.0  # between two looks at what waits for something
TURN_SECONDS = 0.25
TIDY_SECONDS = 60.0


@dataclass(slots=True)
class Dispatcher:
    """What one janitor remembers between its turns."""

    context: WorkerContext
    _looked_at: dict[str, float] = field(default_factory=dict)  # nodes: when they last tried what waits
    _tidied_at: float = 0.0

    def turn(self) -> None:
        """Judge what came back, then give work to whoever asks; safe beside other janitors."""
        now = utc_now()
        with reading(self.context.engine) as session:
            returned = fleet.fetch_returned(session)
            asking = fleet.fetch_requests(session, now)
        for lease in returned:
            self._judge(lease)
        for lease in asking:
            self._serve(lease, now)
        if monotonic() - self._tidied_at > TIDY_SECONDS:
            self._tidied_at = monotonic()
            with transaction(self.context.engine) as session:
                fleet.forget_old(session, now - FORGOTTEN_AFTER)

    def _serve(self, lease: NodeLease, now: datetime) -> None:
        with reading(self.context.engine) as session:
            node = nodes.fetch_node(session, lease.node)
            key = fleet.fetch_key(session, lease.node)
            if node is None or key is None or not nodes.takes_work(node, now):
                return
            find = partial(fetch_turns, session, node.node_class, now, limit=LOOKED_AT, purposes=key.purposes)
            turns = find()
            if not turns and monotonic() - self._looked_at.get(node.name, 0.0) > WAITING_SECONDS:
                self._looked_at[node.name] = monotonic()
                turns = find(waits=True)
        context = _act_for(self.context, node)
        for shard_id in turns:
            work = begin(context, shard_id)
            if work is not None:
                _hand_out(context, lease.id, work)
                return

    def _judge(self, lease: NodeLease) -> None:
        with transaction(self.context.engine) as session:
            node = nodes.fetch_node(session, lease.node)
            is_mine = fleet.forget(session, lease.id)  # whatever becomes of it, it is judged once
        if node is None or not is_mine:
            return
        context = _act_for(self.context, node)
        work = recall(context, str(lease.shard_id), lease.fence)
        if work is None:
            log.warning("outdated fence, result of a node dropped", node=node.name, shard_id=lease.shard_id)
            return
        conclude(context, work, partial(_read, context, work, lease.result))


def _act_for(context: WorkerContext, node: Node) -> WorkerContext:
    """As a worker on that node would act; its boxes are not here."""
    named = {"node_name": node.name, "node_class": node.node_class, "device": node.device, "workers": node.workers}
    settings = context.settings.model_copy(update=named)
    is_quiet = keeps_quiet(parse_trials(node.promises))
    return WorkerContext(settings, context.engine, context.store, context.sandbox, is_quiet)


def _hand_out(context: WorkerContext, lease_id: str, work: ShardWork) -> None:
    try:
        inputs = _find_inputs(context, work)
    except PlatformFault as error:
        give_back(context, work, error.message, is_charged=False)
        return
    with transaction(context.engine) as session:
        row = fleet.lock_lease(session, lease_id)
        is_there = row is not None and row.state is LeaseState.ASKED
        if row is not None and is_there:
            row.state, row.shard_id, row.fence, row.inputs = LeaseState.HELD, work.shard_id, work.fence, inputs
    if not is_there:
        give_back(context, work, "the node left as it was given work", is_charged=False)


def _find_inputs(context: WorkerContext, work: ShardWork) -> dict[str, Any]:
    """What `core.node_records.Offer` says beside the rows, all of it by digest."""
    seal = _fetch_seal(context, work)
    originals = [digest for chunk in seal["chunks"] for digest in chunk["members"]]
    problem = work.terms.problem
    data = parse_reference(problem.data.reference).digest if problem.data.reference else None
    spare = find_spare(seal["chunks"][0]["name"].split("/")[1], problem.pools.originals, context.store)
    return {
        "originals": originals[: problem.pools.originals],
        "spare": spare,
        "data": data,
        "retrain_seconds": work.retrain_seconds,
        "runs_again": work.runs_again,
        "output_bytes": limit_outputs(work, _load_alike(context, seal)),
    }


def _read(context: WorkerContext, work: ShardWork, result: dict[str, Any] | None) -> Batch:
    alike = _load_alike(context, _fetch_seal(context, work))
    return read_batch(context.store, work, ShardResult.model_validate(result), alike=alike)


def _load_alike(context: WorkerContext, seal: Mapping[str, Any]) -> ModelOutputs:
    """Outputs of some of the originals: a node's have their shapes."""
    chunk = read_chunk(context.store.get(seal["chunks"][0]["digest"]))
    if chunk is None:
        raise PlatformFault("the originals' outputs cannot be read")
    return chunk.outputs


def _fetch_seal(context: WorkerContext, work: ShardWork) -> dict[str, Any]:
    with reading(context.engine) as session:
        seal = fleet.fetch_seal(session, work.spec_id, work.request)
    if seal is None:
        raise PlatformFault("the pool of originals was never sealed")
    return seal
