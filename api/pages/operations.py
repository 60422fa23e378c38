"""Pages of those who run the platform: queue, nodes, costs, leaks."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.deps import Caller, EngineDep, NodeAdmin, OperationsReader, Operator, ReadingDep, SettingsDep
from api.nodes import service as node_keys
from api.nodes.schemas import FreshNodeKey, NewNode
from api.operations import service
from api.operations.schemas import COST_DAYS, MOST_COST_DAYS
from api.pages.kit.forms import show_once, submit_form
from api.pages.kit.reading import read_decision, read_model
from api.pages.kit.showing import show
from core.db.queries import competitions
from core.domain.access import Action
from core.domain.errors import InvalidInput, RequestRefused
from core.domain.leaderboard import Purpose

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


@router.post("/nodes")
def add_node(
    request: Request,
    caller: NodeAdmin,
    engine: EngineDep,
    settings: SettingsDep,
    name: Annotated[str, Form()] = "",
    purposes: Annotated[list[str] | None, Form()] = None,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """The key stands on this answer and nowhere else."""

    def act(session: Session) -> FreshNodeKey:
        new = read_model(NewNode, {"name": name, "purposes": purposes or [], "reason": reason})
        return node_keys.add_key(session, new, caller)

    def tell(fresh: FreshNodeKey) -> HTMLResponse:
        line = f"lacuna node join {settings.resolved_public_url} {fresh.token}"
        return show_once(engine, lambda session: _show_nodes(request, caller, session, fresh=fresh, line=line))

    return submit_form(engine, act, lambda session, error: _show_nodes(request, caller, session, error), tell)


@router.post("/nodes/{name}/key")
def change_key(
    name: str,
    request: Request,
    caller: NodeAdmin,
    engine: EngineDep,
    settings: SettingsDep,
    deed: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    def act(session: Session) -> FreshNodeKey | None:
        why = read_decision(reason).reason
        if deed == "rotate":
            return node_keys.rotate_key(session, name, why, caller)
        if deed != "revoke":
            raise InvalidInput("a key is rotated or revoked")
        node_keys.revoke_key(session, name, why, caller)
        return None

    def tell(fresh: FreshNodeKey | None) -> str | Response:
        if fresh is None:
            return "/admin/nodes"
        line = f"lacuna node join {settings.resolved_public_url} {fresh.token}"
        return show_once(engine, lambda session: _show_nodes(request, caller, session, fresh=fresh, line=line))

    return submit_form(engine, act, lambda session, error: _show_nodes(request, caller, session, error), tell)


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
    request: Request,
    caller: Caller,
    session: Session,
    error: RequestRefused | None = None,
    *,
    fresh: FreshNodeKey | None = None,
    line: str = "",
) -> HTMLResponse:
    """fresh: a key that was just made, and the line to run with it."""
    return show(
        request,
        "nodes.html",
        error=error,
        nodes=service.list_nodes(session).items,
        keys=node_keys.list_keys(session).items,
        fresh=fresh,
        line=line,
        purposes=list(Purpose),
        may_drain=caller.may(Action.MANAGE_NODES),
    )
