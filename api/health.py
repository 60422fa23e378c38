"""Liveness (the process answers) and readiness (it can do its work)."""

from typing import Literal

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.deps import EngineDep, PublicCaller
from core.db.migrate import make_config
from core.db.session import reading
from core.domain.errors import PlatformFault

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    ready: bool
    detail: str
    revision: str | None
    newest_revision: str | None


@router.get("/healthz", operation_id="get_health")
def get_health(caller: PublicCaller) -> Health:
    return Health()


@router.get("/readyz", operation_id="get_readiness", responses={503: {"model": Readiness}})
def get_readiness(caller: PublicCaller, engine: EngineDep, response: Response) -> Readiness:
    try:
        readiness = check_database(engine)
    except PlatformFault:
        readiness = Readiness(ready=False, detail="the database cannot be opened", revision=None, newest_revision=None)
    if not readiness.ready:
        response.status_code = 503
    return readiness


def check_database(engine: Engine) -> Readiness:
    """Compare the database's revision with the newest; raises PlatformFault in one line if it cannot be opened."""
    newest = ScriptDirectory.from_config(make_config(str(engine.url))).get_current_head()
    try:
        with reading(engine) as session:
            revision = MigrationContext.configure(session.connection()).get_current_revision()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        where = engine.url.render_as_string(hide_password=True)
        raise PlatformFault(f"cannot open the database {where}: {reason}") from None
    if revision == newest:
        return Readiness(ready=True, detail="", revision=revision, newest_revision=newest)
    detail = "the database is not at the newest revision: run `alembic upgrade head`"
    return Readiness(ready=False, detail=detail, revision=revision, newest_revision=newest)
