"""Running the platform over HTTP: queue, nodes, costs, stuck evaluations."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.decisions import Decision
from api.deps import EngineDep, NodeAdmin, OperationsReader, Operator, PublicCaller, ReadingDep, SessionDep
from api.errors import describe_errors
from api.operations import service
from api.operations.schemas import (
    COST_DAYS,
    MOST_COST_DAYS,
    CostReport,
    LeakReport,
    NodeList,
    NodeView,
    QueueView,
    Requeued,
    StatusView,
)
from api.operations.status import load_status
from core.db.session import reading, transaction
from core.domain.errors import NotFound

router = APIRouter(prefix="/admin", tags=["operations"])
public = APIRouter(tags=["operations"])
ROUTERS = (router, public)
REFUSALS = describe_errors(401, 403, 404, 409, 422)


@public.get("/status", operation_id="get_status")
def get_status(caller: PublicCaller, session: ReadingDep) -> StatusView:
    """How the platform is: what waits, who works, what failed on our side of late; the same for 15 seconds."""
    return load_status(session)


@router.get("/queue", operation_id="get_queue", responses=describe_errors(401, 403))
def get_queue(caller: OperationsReader, session: ReadingDep) -> QueueView:
    """What waits and runs, since when, how long it may take, and what does not move."""
    return service.load_queue(session)


@router.get("/nodes", operation_id="list_nodes", responses=describe_errors(401, 403))
def list_nodes(caller: OperationsReader, session: ReadingDep) -> NodeList:
    """The machines that reported in the last seven days, and what each works at."""
    return service.list_nodes(session)


@router.post("/nodes/{name}/drain", operation_id="drain_node", responses=REFUSALS)
def drain_node(name: str, caller: NodeAdmin, engine: EngineDep, decision: Decision) -> NodeView:
    """Let a node end what it holds and claim nothing more."""
    with transaction(engine) as session:
        service.drain(session, name, decision.reason, caller)
    return _load_node(engine, name)


@router.post("/nodes/{name}/activate", operation_id="activate_node", responses=REFUSALS)
def activate_node(name: str, caller: NodeAdmin, engine: EngineDep, decision: Decision) -> NodeView:
    """Let a drained node work again."""
    with transaction(engine) as session:
        service.activate(session, name, decision.reason, caller)
    return _load_node(engine, name)


@router.get("/costs", operation_id="get_costs", responses=describe_errors(401, 403, 404, 422))
def get_costs(
    caller: OperationsReader,
    session: ReadingDep,
    days: Annotated[int, Query(ge=1, le=MOST_COST_DAYS)] = COST_DAYS,
    competition: Annotated[str | None, Query(max_length=200)] = None,
) -> CostReport:
    """Processor and wall seconds of counted replicas, by day and team."""
    return service.load_costs(session, days=days, slug=competition)


@router.get("/leaks", operation_id="get_leaks", responses=describe_errors(401, 403, 404, 422))
def get_leaks(
    caller: OperationsReader,
    session: ReadingDep,
    competition: Annotated[str | None, Query(max_length=200)] = None,
) -> LeakReport:
    """How many bits runs on hidden problems have told each team, and how many they may."""
    return service.load_leaks(session, competition)


@router.post("/evaluations/{evaluation_id}/requeue", operation_id="requeue_evaluation", responses=REFUSALS)
def requeue_evaluation(evaluation_id: str, caller: Operator, session: SessionDep, decision: Decision) -> Requeued:
    """Send a stuck evaluation's work out again, or try anew what ended `platform_error`."""
    return service.requeue_evaluation(session, evaluation_id, decision.reason, caller)


@router.post("/evaluations/{evaluation_id}/cancel", operation_id="cancel_evaluation", responses=REFUSALS)
def cancel_evaluation(evaluation_id: str, caller: Operator, session: SessionDep, decision: Decision) -> Requeued:
    """Stop an evaluation; its author reads the reason."""
    return service.cancel_evaluation(session, evaluation_id, decision.reason, caller)


def _load_node(engine: EngineDep, name: str) -> NodeView:
    with reading(engine) as session:
        found = [node for node in service.list_nodes(session).items if node.name == name]
    if not found:
        raise NotFound(f"the node {name!r} has not reported for a long time")
    return found[0]
