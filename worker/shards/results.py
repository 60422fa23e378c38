"""What a node says of a shard, written there and read here: what can be checked or derived is not believed."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import fields
from math import ceil

import numpy as np

from core.domain.errors import BlobMissing, PlatformFault, StoreUnavailable
from core.domain.faults import FaultCode
from core.domain.fleet import Ending
from core.node_records import FaultRecord, MeasuredRecord, ReplicaRecord, SecondsRecord, ShardResult
from core.storage import BlobStore
from worker.replicas.execution import Batch, derive_seed
from worker.replicas.inspection import InspectedReplica
from worker.replicas.outputs import ModelOutputs, concat_outputs, load_npz, save_npz
from worker.replicas.seconds import MeasuredShard, RunSeconds, collect_seconds, dump_shard
from worker.replicas.swapping import SWAP_REPLICAS
from worker.replicas.yardstick import NOTHING
from worker.shards.order import ShardOrder

OURS_TO_SAY = frozenset({FaultCode.COMPUTE_BUDGET, FaultCode.FAILED_ON_HIDDEN_DATA})
MOST_REASON, MOST_LOG = 4000, 1 << 20
ARCHIVE_BYTES = 16 << 10  # of an archive beside its arrays
ARRAYS = sorted(f"{each.name}.npy" for each in fields(ModelOutputs))


def write_result(batch: Batch, upload: Callable[[bytes], str]) -> ShardResult:
    """On the node. upload: sends bytes and returns their digest."""
    if batch.platform_fault:
        return end_early(Ending.PLATFORM, batch.platform_fault)
    if batch.fault is not None and batch.code is not None:
        found = batch.fault
        return write_fault(batch.code, found.reason, log=found.log, traceback=found.traceback)
    if batch.stopped:
        return end_early(Ending.STOPPED, "it was stopped")
    return ShardResult(
        ending=Ending.RAN,
        reason="",
        replicas=[_write_replica(each, is_first=place == 0) for place, each in enumerate(batch.replicas)],
        fault=None,
        outputs=_send(batch.replicas, upload),
        reruns=_send(batch.reruns, upload),
        swapped=_send(batch.swapped, upload),
        measured=MeasuredRecord.model_validate(dump_shard(batch.measured[0])) if batch.measured else None,
    )


def write_fault(code: FaultCode, reason: str, *, log: str = "", traceback: str = "") -> ShardResult:
    told = FaultRecord(code=code, reason=reason[:MOST_REASON], log=log[:MOST_LOG], traceback=traceback[:MOST_LOG])
    return end_early(Ending.PARTICIPANT, "", fault=told)


def end_early(ending: Ending, reason: str, *, fault: FaultRecord | None = None) -> ShardResult:
    return ShardResult(
        ending=ending,
        reason=reason[:MOST_REASON],
        replicas=[],
        fault=fault,
        outputs=None,
        reruns=None,
        swapped=None,
        measured=None,
    )


def limit_outputs(order: ShardOrder, alike: ModelOutputs) -> int:
    """Bytes that outputs of a shard can have, of whichever of its runs."""
    each = sum(int(getattr(alike, field.name).nbytes) for field in fields(ModelOutputs)) / len(alike)
    models = max(order.count, order.terms.evaluation.rerun_replicas, SWAP_REPLICAS)
    return ceil(each * models) + ARCHIVE_BYTES


def read_batch(store: BlobStore, order: ShardOrder, result: ShardResult, *, alike: ModelOutputs) -> Batch:
    """On this side; raises whoever's fault it is. alike: outputs of other models on the same splits."""
    if result.ending is Ending.PARTICIPANT and result.fault is not None:
        return _read_fault(order, result.fault)
    if result.ending in (Ending.UNAVAILABLE, Ending.STOPPED):  # that nobody wants it any more is not for a node to say
        raise StoreUnavailable(f"the node did not run it: {result.reason}")
    if result.ending is not Ending.RAN:
        raise PlatformFault(result.reason or "the node gave no reason")
    if [each.index for each in result.replicas] != list(range(order.first, order.first + order.count)):
        raise PlatformFault("the node sent other replicas than it was asked for")
    replicas = _read_replicas(store, order, result, alike) if order.count else ()
    return Batch(
        replicas,
        stopped=False,
        sandbox="",
        platform_fault="",
        reruns=_read_beside(store, order, result.reruns, order.terms.evaluation.rerun_replicas, alike),
        swapped=_read_beside(store, order, result.swapped, SWAP_REPLICAS, alike),
        measured=_read_measured(order, result.measured, replicas),
    )


def read_outputs(data: bytes, alike: ModelOutputs, *, most: int) -> ModelOutputs:
    """Outputs of at most so many models; raises PlatformFault for anything that is not plainly that."""
    _check_archive(data)
    outputs = load_npz(data)
    if not 1 <= len(outputs) <= most:
        raise PlatformFault(f"the node sent outputs of {len(outputs)} models, where there are at most {most}")
    for field in fields(ModelOutputs):
        found, known = getattr(outputs, field.name), getattr(alike, field.name)
        if found.shape[1:] != known.shape[1:]:
            raise PlatformFault(f"the node sent {field.name} of other splits")
        if bool(np.isnan(found).any()):
            raise PlatformFault(f"the node sent {field.name} that are no numbers")
    if not bool(np.isfinite(outputs.forget_logits).all()):
        raise PlatformFault("the node sent logits that are not finite")
    return outputs


def _check_archive(data: bytes) -> None:
    """Nothing is unpacked into more than was sent: entries are stored as they are, and as large as they say."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sorted(entry.filename for entry in entries) != sorted(
                f"{each.name}.npy" for each in fields(ModelOutputs)
            ):
                raise ValueError("it holds other arrays")
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > len(data):
                    raise ValueError(f"{entry.filename} is packed")
                with archive.open(entry) as stream:
                    if np.lib.format.read_magic(stream) != (1, 0):
                        raise ValueError(f"{entry.filename} has another form")
                    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
                    declared = int(np.prod([int(each) for each in shape], dtype=object)) * dtype.itemsize
                    if min(shape, default=0) < 0 or declared != entry.file_size - stream.tell():
                        raise ValueError(f"{entry.filename} is not as large as it says")
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise PlatformFault(f"the node's outputs cannot be read: {error}") from None


def _read_fault(order: ShardOrder, told: FaultRecord) -> Batch:
    if told.code in OURS_TO_SAY or order.count == 0:  # runs that are only timed end nobody's entry
        raise PlatformFault(f"the node says {told.code}, which is not for it to say")
    most = order.terms.evaluation.log_bytes
    replica = InspectedReplica(
        index=order.first,
        seed=derive_seed(order.evaluation_id, order.first),
        wall_seconds=0.0,
        cpu_seconds=0.0,
        peak_memory_bytes=0,
        weights_sha256="",
        outputs=None,
        fault=told.code,
        reason=told.reason,
        platform_fault="",
        log=told.log[:most],
        traceback=told.traceback[:most],
    )
    return Batch((replica,), stopped=False, sandbox="", platform_fault="")


def _read_replicas(
    store: BlobStore, order: ShardOrder, result: ShardResult, alike: ModelOutputs
) -> tuple[InspectedReplica, ...]:
    outputs = _fetch(store, result.outputs, alike, most=order.count)
    if len(outputs) != order.count:
        raise PlatformFault(f"the node sent outputs of {len(outputs)} models for {order.count} replicas")
    return tuple(
        InspectedReplica(
            index=each.index,
            seed=derive_seed(order.evaluation_id, each.index),
            wall_seconds=each.wall_seconds,
            cpu_seconds=each.cpu_seconds,
            peak_memory_bytes=each.peak_memory_bytes,
            weights_sha256=each.weights_sha256,
            outputs=outputs.select(slice(place, place + 1)),
            fault=None,
            reason="",
            platform_fault="",
            log=each.log[: order.terms.evaluation.log_bytes],
            traceback="",
            clock=each.clock,
            waited_seconds=each.waited_seconds,
        )
        for place, each in enumerate(result.replicas)
    )


def _read_beside(
    store: BlobStore, order: ShardOrder, digest: str | None, most: int, alike: ModelOutputs
) -> tuple[InspectedReplica, ...]:
    """Runs that only flags look at: their outputs are all that is kept of them."""
    if digest is None:
        return ()
    if not order.is_canary or most == 0:
        raise PlatformFault("the node sent runs that it was not asked for")
    outputs = _fetch(store, digest, alike, most=most)
    return tuple(
        InspectedReplica(
            index=place,
            seed=0,
            wall_seconds=0.0,
            cpu_seconds=0.0,
            peak_memory_bytes=0,
            weights_sha256="",
            outputs=outputs.select(slice(place, place + 1)),
            fault=None,
            reason="",
            platform_fault="",
            log="",
            traceback="",
        )
        for place in range(len(outputs))
    )


def _read_measured(
    order: ShardOrder, told: MeasuredRecord | None, replicas: Sequence[InspectedReplica]
) -> tuple[MeasuredShard, ...]:
    plan, is_extra = order.plan, order.count == 0
    if plan == NOTHING and not is_extra:
        return ()
    if told is None or told.is_extra != is_extra:
        raise PlatformFault("the node did not say what was timed beside the replicas")
    runs = _read_seconds(told.runs, order.runs) if is_extra else collect_seconds(replicas)
    yardsticks, idles = _read_seconds(told.yardsticks, plan.yardsticks), _read_seconds(told.idles, plan.idles)
    return (MeasuredShard(runs, yardsticks, idles, is_extra=is_extra),)


def _read_seconds(told: SecondsRecord, most: int) -> RunSeconds:
    if len(told.wall) > most:
        raise PlatformFault(f"the node timed {len(told.wall)} runs, where it was asked for {most}")
    return RunSeconds(tuple(told.wall), tuple(told.cpu), told.clock, told.waited)


def _fetch(store: BlobStore, digest: str | None, alike: ModelOutputs, *, most: int) -> ModelOutputs:
    if digest is None:
        raise PlatformFault("the node sent no outputs")
    try:
        return read_outputs(store.get(digest), alike, most=most)
    except BlobMissing:
        raise PlatformFault("the node named outputs that it did not send") from None


def _send(replicas: Sequence[InspectedReplica], upload: Callable[[bytes], str]) -> str | None:
    outputs = [each.outputs for each in replicas if each.outputs is not None]
    return upload(save_npz(concat_outputs(outputs))) if outputs else None


def _write_replica(replica: InspectedReplica, *, is_first: bool) -> ReplicaRecord:
    return ReplicaRecord(
        index=replica.index,
        wall_seconds=replica.wall_seconds,
        cpu_seconds=replica.cpu_seconds,
        clock=replica.clock,
        waited_seconds=replica.waited_seconds,
        peak_memory_bytes=replica.peak_memory_bytes,
        weights_sha256=replica.weights_sha256,
        log=replica.log[:MOST_LOG] if is_first else "",
    )
