"""One slot of a node: asks for a shard, runs it, brings back what came of it, again and again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from core.domain.errors import Conflict, ContestError, NotFound, ParticipantFault, StoreUnavailable
from core.domain.fleet import Ending
from core.node_records import Offer, ShardResult
from core.settings import Settings
from core.terms import parse_terms
from worker.agent.link import Link
from worker.agent.patience import Standing
from worker.agent.place import NodePlace
from worker.agent.pulse import LeasePulse
from worker.agent.store import NodeStore
from worker.runner.base import Sandbox
from worker.shards.order import ShardOrder
from worker.shards.place import ProblemCache, Pulse
from worker.shards.results import end_early, write_fault, write_result
from worker.shards.running import prepare, run_prepared

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Slot:
    link: Link
    standing: Standing
    settings: Settings  # with what the server wants of its nodes
    sandbox: Sandbox
    instance: str
    folder: Path
    known: ProblemCache = field(default_factory=ProblemCache)

    def work(self) -> None:
        """Until the node ends; a refusal ends it."""
        store = NodeStore(self.folder, limit_bytes=self.settings.store_cache_bytes)
        while not self.standing.over.is_set():
            try:
                offer = self.standing.call(lambda: self.link.ask(self.instance))
                if offer is not None:
                    self._take(offer, store)
            except Conflict as error:  # the server has not heard of this node lately: its next report says so
                self.standing.say(error.message)
                self.standing.over.wait(1.0)
            except ContestError as error:
                self.standing.end(error.message)

    def _take(self, offer: Offer, store: NodeStore) -> None:
        self.standing.say(f"replicas {offer.first} to {offer.first + offer.count - 1} of {offer.evaluation_id}")
        store.serve(_list_inputs(offer), lambda digest: self.link.fetch(offer.lease, digest))
        place = NodePlace(self.settings, store, self.sandbox, offer, self.known)
        with LeasePulse(self.link, self.standing, offer.lease, self.settings.lease_seconds) as pulse:
            result = run_offer(place, pulse, lambda data: self._send(offer, data))
            if self.standing.over.is_set():
                return  # leaving gives back what is held
            if not pulse.is_wanted:
                self.standing.say("nobody waits for it any more")
                return
            try:
                self.standing.call(lambda: self.link.finish(offer.lease, result))
            except (Conflict, NotFound) as error:
                self.standing.say(f"dropped: {error.message}")
        if result.ending is not Ending.RAN:
            self.standing.say(f"ended, {result.ending}: {result.reason or (result.fault.code if result.fault else '')}")

    def _send(self, offer: Offer, data: bytes) -> str:
        digest = self.standing.call(lambda: self.link.send(offer.lease, data))
        if digest is None:
            raise StoreUnavailable("the node ends")
        return digest


def run_offer(place: NodePlace, pulse: Pulse, upload: Callable[[bytes], str]) -> ShardResult:
    """Whatever happens has an owner: the submission, this node, or nobody."""
    offer = place.offer
    try:
        order = read_order(offer)
        prepared = prepare(place, order, label=f"lacuna-{offer.shard_id}-{offer.fence}")
        return write_result(run_prepared(place, order, prepared, pulse), upload)
    except ParticipantFault as fault:
        return write_fault(fault.code, fault.message)
    except (StoreUnavailable, Conflict, NotFound) as error:
        return end_early(Ending.UNAVAILABLE, error.message)
    except ContestError as error:
        return end_early(Ending.PLATFORM, error.message)
    except Exception as error:  # the slot's edge: whatever is left is ours
        log.exception("shard failed", shard_id=offer.shard_id)
        return end_early(Ending.PLATFORM, repr(error))


def read_order(offer: Offer) -> ShardOrder:
    return ShardOrder(
        evaluation_id=offer.evaluation_id,
        position=offer.position,
        first=offer.first,
        count=offer.count,
        request=offer.request,
        purpose=offer.purpose,
        filename=offer.filename,
        source_digest=offer.source_digest,
        terms=parse_terms(offer.terms),
        retrain_seconds=offer.retrain_seconds,
        runs_again=offer.runs_again,
    )


def _list_inputs(offer: Offer) -> frozenset[str]:
    every = (offer.source_digest, offer.spare, offer.data, *offer.originals)
    return frozenset(digest for digest in every if digest is not None)
