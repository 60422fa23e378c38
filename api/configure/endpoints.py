"""Competitions from files, over HTTP, for admins."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response

from api.configure import document, overview, pools, previews, service
from api.configure.schemas import ConfiguredList, Plan, PoolChecks, PoolList, PoolRole, PreviewList
from api.decisions import Decision
from api.deps import Configurer, EngineDep, ReadingDep, SessionDep, StoreDep
from api.errors import describe_errors
from core.db.session import reading, transaction

router = APIRouter(prefix="/admin/competitions", tags=["configuring"])
ROUTERS = (router,)
PNG: dict[int | str, dict[str, Any]] = {
    200: {"description": "an image", "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}
Slug = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


@router.get("", operation_id="list_configured_competitions", responses=describe_errors(401, 403))
def list_configured(caller: Configurer, session: ReadingDep) -> ConfiguredList:
    """Every competition, drafts included: its data, how far its pools are, what retraining was measured to cost."""
    return overview.list_configured(session)


@router.get("/{slug}/file", operation_id="get_competition_file", responses=describe_errors(401, 403, 404, 422))
def get_file(slug: Slug, caller: Configurer, session: ReadingDep) -> dict[str, Any]:
    """The competition as a file, in JSON: applying it changes nothing. Its private and practice parts are left out."""
    return document.make_document(session, slug)


@router.get("/{slug}/preview", operation_id="get_preview", responses=describe_errors(401, 403, 404, 422))
def get_preview(slug: Slug, caller: Configurer, session: ReadingDep) -> PreviewList:
    """Class counts of every split, what is to be forgotten, what training would take; as a worker found them."""
    return previews.load_previews(session, slug)


@router.post(
    "/{slug}/preview", operation_id="ask_for_preview", status_code=202, responses=describe_errors(401, 403, 404, 422)
)
def ask_for_preview(slug: Slug, caller: Configurer, session: SessionDep) -> PreviewList:
    """Have a worker look at the problems, of a draft too; nothing is trained or opened by it."""
    return previews.ask_for_previews(session, slug, caller)


@router.get(
    "/{slug}/preview/{role}/samples/{place}",
    operation_id="get_preview_sample",
    response_class=Response,
    responses={**PNG, **describe_errors(401, 403, 404, 422)},
)
def get_preview_sample(
    slug: Slug,
    role: PoolRole,
    place: Annotated[int, Path(ge=0, lt=100)],
    caller: Configurer,
    session: ReadingDep,
    store: StoreDep,
) -> Response:
    """One of the forget set as PNG."""
    content = previews.load_sample(session, store, slug, role, place)
    return Response(content, media_type="image/png", headers={"Cache-Control": "private, no-store"})


@router.get("/{slug}/pools", operation_id="list_pools", responses=describe_errors(401, 403, 404, 422))
def list_pools(slug: Slug, caller: Configurer, session: ReadingDep) -> PoolList:
    """Every pool that was made for it, of earlier problems and the private phase too."""
    return pools.list_pools(session, slug)


@router.post("/{slug}/pools/verify", operation_id="verify_pools", responses=describe_errors(401, 403, 404, 422))
def verify_pools(slug: Slug, caller: Configurer, session: ReadingDep, store: StoreDep) -> PoolChecks:
    """Read what was sealed again, and compute every digest."""
    items = pools.verify_pools(session, slug, store)
    return PoolChecks(intact=not any(item.faults for item in items), items=items)


@router.post("/{slug}/pools/retire", operation_id="retire_pools", responses=describe_errors(401, 403, 404, 409, 422))
def retire_pools(slug: Slug, caller: Configurer, session: SessionDep, decision: Decision) -> PoolList:
    """Of earlier problems of this name; all, once the competition is closed. Nothing is scored against them again."""
    return pools.retire_pools(session, slug, decision.reason, caller)


@router.put("/{slug}", operation_id="apply_competition", responses=describe_errors(401, 403, 404, 409, 422))
def apply_competition(
    slug: Slug,
    caller: Configurer,
    engine: EngineDep,
    file: Annotated[dict[str, Any], Body(description="the competition file as JSON; docs/guides/admin.md")],
    dry_run: Annotated[bool, Query(description="say what would change, and change nothing")] = False,
) -> Plan:
    """Make or change a competition as its file says; doing it again changes nothing."""
    if dry_run:
        with reading(engine) as session:
            return service.plan_file(session, slug, file).plan
    with transaction(engine) as session:
        return service.apply_file(session, slug, file, caller)
