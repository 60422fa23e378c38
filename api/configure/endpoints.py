"""Competitions from files, over HTTP, for admins."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query

from api.configure import document, overview, service
from api.configure.schemas import ConfiguredList, Plan
from api.deps import Configurer, EngineDep, ReadingDep
from api.errors import describe_errors
from core.db.session import reading, transaction

router = APIRouter(prefix="/admin/competitions", tags=["configuring"])
Slug = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


@router.get("", operation_id="list_configured_competitions", responses=describe_errors(401, 403))
def list_configured(caller: Configurer, session: ReadingDep) -> ConfiguredList:
    """Every competition, drafts included: its data, how far its pools are, what retraining was measured to cost."""
    return overview.list_configured(session)


@router.get("/{slug}/file", operation_id="get_competition_file", responses=describe_errors(401, 403, 404, 422))
def get_file(slug: Slug, caller: Configurer, session: ReadingDep) -> dict[str, Any]:
    """The competition as a file, in JSON: applying it changes nothing. Its private and practice parts are left out."""
    return document.make_document(session, slug)


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
