"""Pages of those who run the platform: queue, nodes, costs, leaks."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.deps import Caller, EngineDep, NodeAdmin, OperationsReader, Operator, ReadingDep
from api.operations import service
from api.operations.schemas import COST_DAYS, MOST_COST_DAYS
from api.pages.kit.forms import submit_form
from api.pages.kit.reading import read_decision
from api.pages.kit.showing import show
from core.db.queries import competitions
from core.domain.access import Action
from core.domain.errors import InvalidInput, RequestRefused

router = APIRouter(prefix="/admin", include_in_schema=False, default_response_class=HTMLResponse)
NODE_DEEDS = {"drain": service.drain, "activate": service.activate}
EVALUATION_DEEDS = {"requeue": service.requeue_evaluation, "cancel": service.cancel_evaluation}


@router.get("/queue", name="queue")
def show_queue(request: Request, caller: OperationsReader, session: ReadingDep) -> HTMLResponse:
    return _show_queue(request, session)


@router.get("/nodes", name="nodes")
def show_nodes(request: Request, caller: OperationsReader, session: ReadingDep) -> HTMLResponse:
    return _show_nodes(request, caller, session)


@router.get("/costs", name="costs")
def show_costs(
    request: Request,
    caller: OperationsReader,
    session: ReadingDep,
    days: Annotated[int, Query(ge=1, le=MOST_COST_DAYS)] = COST_DAYS,
    competition: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    report = service.load_costs(session, days=days, slug=competition or None)
    slugs = [row.slug for row in competitions.fetch_competitions(session)]
    return show(request, "costs.html", report=report, days=days, competition=competition, slugs=slugs)


@router.get("/leaks", name="leaks")
def show_leaks(
    request: Request,
    caller: OperationsReader,
    session: ReadingDep,
    competition: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    report = service.load_leaks(session, competition or None)
    slugs = [row.slug for row in competitions.fetch_competitions(session)]
    return show(request, "leaks.html", report=report, competition=competition, slugs=slugs)


@router.post("/nodes/{name}")
def set_node(
    name: str,
    request: Request,
    caller: NodeAdmin,
    engine: EngineDep,
    deed: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> None:
        if deed not in NODE_DEEDS:
            raise InvalidInput("a node is drained or activated")
        NODE_DEEDS[deed](session, name, read_decision(reason).reason, caller)

    return submit_form(engine, act, lambda session, error: _show_nodes(request, caller, session, error), "/admin/nodes")


@router.post("/queue/{evaluation_id}")
def act_on_evaluation(
    evaluation_id: str,
    request: Request,
    caller: Operator,
    engine: EngineDep,
    deed: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> None:
        if deed not in EVALUATION_DEEDS:
            raise InvalidInput("an evaluation is requeued or cancelled")
        EVALUATION_DEEDS[deed](session, evaluation_id, read_decision(reason).reason, caller)

    return submit_form(engine, act, lambda session, error: _show_queue(request, session, error), "/admin/queue")


def _show_queue(request: Request, session: Session, error: RequestRefused | None = None) -> HTMLResponse:
    return show(request, "queue.html", error=error, queue=service.load_queue(session))


def _show_nodes(
    request: Request, caller: Caller, session: Session, error: RequestRefused | None = None
) -> HTMLResponse:
    nodes = service.list_nodes(session).items
    return show(request, "nodes.html", error=error, nodes=nodes, may_drain=caller.may(Action.MANAGE_NODES))
