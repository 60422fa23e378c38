"""Read an upload, check it, and keep it in the one form that problems load."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from core.db.base import utc_now
from core.db.models.data_sets import DataSetVersion
from core.db.queries import data_sets, leases, nodes
from core.db.session import reading, transaction
from core.domain.data_sets import DataFormat, DataSetStatus
from core.domain.errors import InvalidInput, StoreUnavailable
from core.domain.work import WorkState
from core.jobs import VALIDATE, enqueue, put_off
from worker.data_sets.arrays import Tensors, pack_tensors, summarise
from worker.data_sets.named import read_named
from worker.data_sets.reading import read_confined
from worker.data_sets.samples import store_samples
from worker.jobs.context import WorkerContext
from worker.jobs.heartbeat import Heartbeat, renew_piece

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Work:
    version_id: str
    fence: int
    attempts: int
    format: DataFormat
    named: str
    source_digest: str | None


def validate_data_set(context: WorkerContext, version_id: str) -> None:
    """Safe to deliver twice: the outcome is written under the lease, and the same upload has the same outcome."""
    work = _load(context, version_id)
    if work is None:
        return
    try:
        with Heartbeat(context, renew_piece(DataSetVersion, version_id, work.fence)):
            values = _examine(context, work)
    except InvalidInput as error:
        values = {"outcome": DataSetStatus.REFUSED, "reason": error.message}
    except StoreUnavailable as error:  # no fault of the upload: the janitor reminds of it until the store is back
        _wait(context, work, error.message)
        return
    except Exception as error:  # the task's edge: an upload must not stop a worker
        log.exception("a data set cannot be read", version_id=version_id)
        _give_back(context, work, repr(error))
        return
    with transaction(context.engine) as session:
        leases.settle(session, DataSetVersion, version_id, work.fence, state=WorkState.DONE, **values)


def read_upload(context: WorkerContext, work: Work) -> Tensors:
    """What was uploaded is read in a child process; the server's own files are not."""
    if work.format is DataFormat.NAMED:
        return read_named(work.named, context.settings.dataset_folder)
    return read_confined(context.store.get(work.source_digest or ""), work.format)


def _examine(context: WorkerContext, work: Work) -> dict[str, Any]:
    tensors = read_upload(context, work)
    packed = pack_tensors(tensors)
    summary = {**summarise(tensors), "bytes": len(packed), "samples": store_samples(tensors, context.store)}
    digest = context.store.put(packed)
    with reading(context.engine) as session:
        revoked = data_sets.fetch_revoked(session, digest)
    if revoked is not None:
        raise InvalidInput(
            f"this data was revoked as {revoked.data_set.name}@{revoked.number}: {revoked.revoked_reason}"
        )
    return {"outcome": DataSetStatus.READY, "digest": digest, "summary": summary}


def _load(context: WorkerContext, version_id: str) -> Work | None:
    now, name = utc_now(), context.settings.node_name
    until = now + timedelta(seconds=context.settings.lease_seconds)
    with transaction(context.engine) as session:
        if nodes.is_draining(session, name):
            put_off(session, VALIDATE, version_id)
            return None
        fence = leases.claim(session, DataSetVersion, version_id, worker=name, now=now, until=until)
        row = data_sets.fetch_version(session, version_id) if fence else None
        return None if row is None else Work(row.id, fence, row.attempts, row.format, row.named, row.source_digest)


def _wait(context: WorkerContext, work: Work, fault: str) -> None:
    """This try counts for nothing."""
    with transaction(context.engine) as session:
        values = {"attempts": work.attempts - 1, "fault": fault}
        leases.settle(session, DataSetVersion, work.version_id, work.fence, state=WorkState.PENDING, **values)


def _give_back(context: WorkerContext, work: Work, fault: str) -> None:
    with transaction(context.engine) as session:
        if work.attempts < context.settings.max_attempts:
            if leases.settle(
                session, DataSetVersion, work.version_id, work.fence, state=WorkState.PENDING, fault=fault
            ):
                enqueue(session, VALIDATE, work.version_id)
            return
        reason = f"the platform failed {work.attempts} times to read it; the worker's log says why"
        values = {"outcome": DataSetStatus.REFUSED, "reason": reason, "fault": fault}
        leases.settle(session, DataSetVersion, work.version_id, work.fence, state=WorkState.DONE, **values)
