"""Liveness (the process answers) and readiness (the platform can take work and do it)."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.deps import EngineDep, PublicCaller, SettingsDep, StoreDep
from core.broker import ping_broker
from core.db.base import utc_now
from core.db.migrate import explain_unopened, find_head
from core.db.models.operations import Node
from core.db.queries import nodes, turns
from core.db.queries.tables import fetch_revision
from core.db.session import reading
from core.domain.duties import Duty, find_idleness
from core.domain.errors import PlatformFault
from core.domain.operations import SILENT_AFTER
from core.domain.promises import WORDING, Promise, find_refused, parse_trials
from core.settings import Settings
from core.storage import BlobStore

router = APIRouter(tags=["health"])


class Part(StrEnum):
    """What the platform needs, in the order in which one looks for what is wrong."""

    DATABASE = "database"
    STORE = "store"
    DISK = "disk"
    BROKER = "broker"
    SANDBOX = "sandbox"
    JANITOR = "janitor"


class Liveness(BaseModel):
    status: Literal["ok"] = "ok"


class Check(BaseModel):
    part: Part
    ok: bool
    detail: str = Field(description="what is missing, in one line; empty if nothing is")


class Readiness(BaseModel):
    ready: bool = Field(description="whether every part is there")
    detail: str = Field(description="of the first part that is missing; empty if none is")
    revision: str | None = Field(description="of the database")
    newest_revision: str | None
    checks: list[Check]


class Revision(BaseModel):
    current: str | None
    newest: str | None

    @property
    def detail(self) -> str:
        if self.current == self.newest:
            return ""
        return "the database is not at the newest revision: run `alembic upgrade head`"


@router.get("/healthz", operation_id="get_health")
def get_health(caller: PublicCaller) -> Liveness:
    return Liveness()


@router.get("/readyz", operation_id="get_readiness", responses={503: {"model": Readiness}})
def get_readiness(
    caller: PublicCaller, engine: EngineDep, settings: SettingsDep, store: StoreDep, response: Response
) -> Readiness:
    """Whether the platform can take a submission and run it; 503, and what is missing, if it cannot."""
    readiness = check_readiness(engine, settings, store)
    if not readiness.ready:
        response.status_code = 503
    return readiness


def check_readiness(engine: Engine, settings: Settings, store: BlobStore) -> Readiness:
    """Look at every part, whatever the others say."""
    revision = Revision(current=None, newest=None)

    def look_at_database() -> str:
        nonlocal revision
        revision = read_revision(engine)
        return revision.detail

    checks = [
        _look(Part.DATABASE, look_at_database, "the database cannot be opened"),
        _look(Part.STORE, store.check_writable, "the store cannot be written"),
        _look(Part.DISK, lambda: _find_lack_of_space(store, settings), "the disk cannot be looked at"),
        _look(Part.BROKER, lambda: ping_broker(settings.resolved_broker_url), "the broker does not answer"),
        _look(
            Part.SANDBOX,
            lambda: _find_lack_of_sandbox(engine, settings),
            "the nodes cannot be looked at",
        ),
        _look(Part.JANITOR, lambda: _find_lack_of_janitor(engine), "the janitor cannot be looked at"),
    ]
    missing = [check.detail for check in checks if not check.ok]
    return Readiness(
        ready=not missing,
        detail=missing[0] if missing else "",
        revision=revision.current,
        newest_revision=revision.newest,
        checks=checks,
    )


def read_revision(engine: Engine) -> Revision:
    """The database's revision beside the newest; raises PlatformFault in one line if it cannot be opened."""
    try:
        with reading(engine) as session:
            current = fetch_revision(session)
    except SQLAlchemyError as error:
        raise explain_unopened(engine.url, error) from None
    return Revision(current=current, newest=find_head())


def _look(part: Part, look: Callable[[], str | None], fault: str) -> Check:
    """Anybody may ask: what a fault says of hosts and paths stays in the log of whoever meets it."""
    try:
        detail = look() or ""
    except (PlatformFault, SQLAlchemyError, OSError):
        detail = fault
    return Check(part=part, ok=not detail, detail=detail)


def _find_lack_of_space(store: BlobStore, settings: Settings) -> str:
    free = store.count_free_bytes()
    if free is None or free >= settings.disk_reserve_bytes:
        return ""
    return f"{free >> 20} MiB are free where results are kept; at least {settings.disk_reserve_bytes >> 20} are needed"


def _explain_refusals(alive: Sequence[Node], *, production: bool) -> str:
    """Which promises of a box were tried and not kept, for want of which nodes take no work."""
    findings = [{trial.promise: trial.finding for trial in parse_trials(node.promises)} for node in alive]
    refused = {promise for each in findings for promise in find_refused(each, production=production)}
    texts = [WORDING[promise].promise for promise in Promise if promise in refused]
    return f"no worker has a sandbox that keeps what it has to: {'; '.join(texts)}" if texts else ""


def _find_lack_of_sandbox(engine: Engine, settings: Settings) -> str:
    with reading(engine) as session:
        alive = nodes.fetch_nodes(session, utc_now() - SILENT_AFTER)
    if not alive:
        return "no worker has reported lately"
    if not any(node.sandbox for node in alive):
        return _explain_refusals(alive, production=settings.production) or "no worker has a sandbox"
    return (
        "" if any(nodes.takes_work(node, utc_now()) for node in alive) else "every worker drains, rests or is at fault"
    )


def _find_lack_of_janitor(engine: Engine) -> str:
    """Without one, work that is lost stays lost."""
    with reading(engine) as session:
        found = [find_idleness(each, utc_now()) for each in turns.fetch_turns(session) if each.duty is Duty.SWEEP]
    return next((idleness.public for idleness in found if idleness is not None), "")
