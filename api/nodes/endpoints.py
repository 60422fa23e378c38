"""Work over HTTP for machines that reach neither database nor broker, and the keys with which they come."""

from collections.abc import Iterator
from time import monotonic
from typing import Annotated, Any, BinaryIO

from anyio import sleep, to_thread
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse

from api.data_sets.receiving import receive_body
from api.decisions import Decision
from api.deps import EngineDep, NodeAdmin, OperationsReader, ReadingDep, SessionDep, SettingsDep, StoreDep
from api.errors import describe_errors
from api.nodes import service, work
from api.nodes.callers import NodeCaller
from api.nodes.schemas import FreshNodeKey, NewNode, NodeKeyList, NodeKeyView
from core.domain.errors import InvalidInput
from core.domain.fleet import ASK_SECONDS
from core.node_records import AskForWork, KeptBlob, NodeReport, NodeTerms, ShardProgress, ShardResult, Wanted, Work

router = APIRouter(prefix="/nodes", tags=["nodes"])
keys = APIRouter(prefix="/admin/node-keys", tags=["operations"])
ROUTERS = (router, keys)
LOOK_SECONDS = 0.25
PIECE_BYTES = 1 << 20
REFUSALS = describe_errors(401, 403, 404, 409, 422)
BLOB: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}
BlobDigest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@router.post("/report", operation_id="report_node", responses=describe_errors(401, 409, 422))
def report_node(machine: NodeCaller, session: SessionDep, settings: SettingsDep, report: NodeReport) -> NodeTerms:
    """Say what this node is, every few seconds; the answer says how to work."""
    return work.take_report(session, settings, machine, report)


@router.post("/work", operation_id="ask_for_work", responses=describe_errors(401, 409, 422))
async def ask_for_work(machine: NodeCaller, engine: EngineDep, request: Request, ask: AskForWork) -> Work:
    """Wait for a shard, 20 seconds at most; once for each that the node can run beside the others."""
    lease_id = await to_thread.run_sync(work.open_request, engine, machine, ask.instance)
    until = monotonic() + ASK_SECONDS - 2 * LOOK_SECONDS
    while monotonic() < until and not await request.is_disconnected():
        await sleep(LOOK_SECONDS)  # a thread per look, not per node
        offer, is_open = await to_thread.run_sync(work.look, engine, lease_id)
        if offer or not is_open:
            return Work(offer=offer)
    return Work(offer=await to_thread.run_sync(work.withdraw, engine, lease_id))


@router.post("/leases/{lease_id}/progress", operation_id="report_progress", responses=describe_errors(401, 422))
def report_progress(
    lease_id: str, machine: NodeCaller, session: SessionDep, settings: SettingsDep, progress: ShardProgress
) -> Wanted:
    """Keep the lease; the answer says whether to go on."""
    return Wanted(wanted=work.report_progress(session, settings, machine, lease_id, progress.finished))


@router.get(
    "/leases/{lease_id}/blobs/{digest}",
    operation_id="read_node_input",
    response_class=StreamingResponse,
    responses=BLOB | describe_errors(401, 404, 409, 422),
)
def read_input(
    lease_id: str, digest: BlobDigest, machine: NodeCaller, engine: EngineDep, store: StoreDep
) -> StreamingResponse:
    """A blob that the lease names, while it is held."""
    stream = work.open_blob(engine, store, machine, lease_id, digest)
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(_cut(stream), media_type="application/octet-stream", headers=headers)


@router.post(
    "/leases/{lease_id}/blobs",
    status_code=201,
    operation_id="send_node_output",
    responses=describe_errors(401, 404, 409, 413, 422),
)
async def send_output(
    lease_id: str, machine: NodeCaller, engine: EngineDep, store: StoreDep, request: Request
) -> KeptBlob:
    """Outputs of a shard, while its lease is held; nothing of them counts before they were judged."""
    limit = await to_thread.run_sync(work.admit_output, engine, machine, lease_id)
    digest = await receive_body(request, store, limit_bytes=limit)
    if digest is None:
        raise InvalidInput("the request has no body")
    return KeptBlob(digest=digest)


@router.post(
    "/leases/{lease_id}/result",
    status_code=204,
    operation_id="send_node_result",
    responses=describe_errors(401, 404, 409, 422),
)
def send_result(lease_id: str, machine: NodeCaller, session: SessionDep, result: ShardResult) -> None:
    """What came of the shard, once; it is judged within a second."""
    work.take_result(session, machine, lease_id, result)


@router.post("/leave", status_code=204, operation_id="leave_as_node", responses=describe_errors(401, 422))
def leave(machine: NodeCaller, session: SessionDep, ask: AskForWork) -> None:
    """Give back what is held, and the name."""
    work.leave(session, machine, ask.instance)


@keys.get("", operation_id="list_node_keys", responses=describe_errors(401, 403))
def list_keys(caller: OperationsReader, session: ReadingDep) -> NodeKeyList:
    """The nodes that were given a key, revoked ones among them."""
    return service.list_keys(session)


@keys.post("", status_code=201, operation_id="add_node_key", responses=describe_errors(401, 403, 409, 422))
def add_key(caller: NodeAdmin, session: SessionDep, new: NewNode, response: Response) -> FreshNodeKey:
    """Let a machine join as a node of this name; its key is shown this once."""
    response.headers["Cache-Control"] = "no-store"
    return service.add_key(session, new, caller)


@keys.post("/{name}/rotate", operation_id="rotate_node_key", responses=REFUSALS)
def rotate_key(
    name: str, caller: NodeAdmin, session: SessionDep, decision: Decision, response: Response
) -> FreshNodeKey:
    """A new key in place of the old one, which ends at once with whatever was held by it."""
    response.headers["Cache-Control"] = "no-store"
    return service.rotate_key(session, name, decision.reason, caller)


@keys.post("/{name}/revoke", operation_id="revoke_node_key", responses=REFUSALS)
def revoke_key(name: str, caller: NodeAdmin, session: SessionDep, decision: Decision) -> NodeKeyView:
    """Let nobody work under this name; what the node held goes to others at once."""
    return service.revoke_key(session, name, decision.reason, caller)


def _cut(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(PIECE_BYTES):
            yield piece
