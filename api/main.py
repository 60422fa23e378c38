"""The web application: JSON under /api/v1, pages beside it."""

import structlog
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from api import health, metrics
from api.announcements import endpoints as announcements
from api.competitions import endpoints as competitions
from api.configure import endpoints as configure
from api.data_sets import endpoints as data_sets
from api.directory import endpoints as directory
from api.discussion import endpoints as discussion
from api.errors import add_error_handlers
from api.finals import endpoints as finals
from api.leaderboard import endpoints as leaderboard
from api.ledger import endpoints as ledger
from api.middleware import BodyDeadline, BodyLimits, Envelope
from api.nodes import endpoints as nodes
from api.notifications import endpoints as notifications
from api.openapi import make_openapi
from api.operations import endpoints as operations
from api.organize import endpoints as organize
from api.pages import endpoints as pages
from api.presentation import endpoints as presentation
from api.rejudges import endpoints as rejudges
from api.review import endpoints as review
from api.rules import endpoints as rules
from api.runtime import endpoints as runtime
from api.static import STATIC_FOLDER, Compression, KeptFiles
from api.submissions import endpoints as submissions
from api.submissions.intake import Readings
from api.teams import endpoints as teams
from api.users import endpoints as users
from core.broker import check_broker
from core.db.migrate import check_revision
from core.db.session import get_engine
from core.domain.errors import ContestError
from core.logs import configure_logging
from core.settings import Settings, get_settings
from core.stores import open_store

RESOURCES = (  # the OpenAPI document lists them in this order
    users,
    competitions,
    submissions,
    leaderboard,
    teams,
    organize,
    operations,
    nodes,
    review,
    rules,
    rejudges,
    runtime,
    data_sets,
    configure,
    finals,
    announcements,
    presentation,
    discussion,
    directory,
    notifications,
    ledger,
)
FORM_BYTES = 64 << 10  # what a request may hold beside the uploaded file

log = structlog.get_logger()


def create_app(settings: Settings | None = None) -> FastAPI:
    """Raises PlatformFault, in one readable line, if the database or the store cannot be opened."""
    settings = settings or get_settings()
    engine = get_engine(settings.resolved_database_url)
    revision = health.read_revision(engine)
    if revision.detail:
        log.warning("not ready", detail=revision.detail, revision=revision.current)
    app = FastAPI(
        title="Lacuna",
        version="1",
        summary="A competition platform for machine unlearning",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # these load scripts from elsewhere
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.engine = engine
    app.state.store = open_store(settings)
    app.state.readings = Readings()
    app.state.requests = CollectorRegistry()
    _add_routes(app)
    add_error_handlers(app)
    # the last added is the outermost
    app.add_middleware(
        BodyLimits, max_bytes=settings.upload_bytes + FORM_BYTES, most_bytes=settings.data_set_bytes + FORM_BYTES
    )
    app.add_middleware(BodyDeadline)
    app.add_middleware(Compression)
    app.add_middleware(Envelope)
    app.add_middleware(metrics.RequestTimes, registry=app.state.requests)
    return app


def app_factory() -> FastAPI:
    """For `uvicorn --factory api.main:app_factory`: what is wrong is said in one line, without a traceback."""
    configure_logging()
    try:
        settings = get_settings()
        check_broker(settings.resolved_broker_url)
        engine = get_engine(settings.resolved_database_url)
        health.read_revision(engine)  # names a database that cannot be opened
        check_revision(engine)
        return create_app(settings)
    except ContestError as error:
        raise SystemExit(f"lacuna api: {error.message}") from None


def _add_routes(app: FastAPI) -> None:
    api = APIRouter(prefix="/api/v1")
    for room in RESOURCES:
        for router in room.ROUTERS:
            api.include_router(router)
    for router in (api, health.router, metrics.router, *pages.ROUTERS):
        app.include_router(router)
    app.mount("/static", KeptFiles(directory=STATIC_FOLDER), name="static")
    app.openapi = make_openapi(app)  # type: ignore[method-assign]  # the documented way to extend it
