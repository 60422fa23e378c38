"""The overview of a competition, its cover and its images over HTTP."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile

from api.competitions.service import load_competition
from api.deps import EngineDep, Organizer, PublicCaller, ReadingDep, SessionDep, StoreDep
from api.errors import describe_errors
from api.presentation import service
from api.presentation.schemas import Alt, Digest, ImageView, NewCover, NewOverview, PresentationView
from api.static import FOR_EVER
from core.domain.competition import CompetitionState
from core.domain.images import MEDIA_TYPE, MOST_BYTES

router = APIRouter(tags=["competitions"])
ROUTERS = (router,)
REFUSALS = describe_errors(401, 403, 404, 409, 422)


@router.get(
    "/competitions/{slug}/images/{digest}",
    operation_id="get_image",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **describe_errors(404, 422, 503),
    },
)
def get_image(slug: str, digest: Digest, caller: PublicCaller, session: ReadingDep, store: StoreDep) -> Response:
    """An image of a competition, for whoever sees the competition; what an address leads to never changes."""
    row = service.load_image(session, slug, digest, caller)
    is_draft = load_competition(session, slug, caller).state is CompetitionState.DRAFT
    headers = {"Cache-Control": "no-store" if is_draft else FOR_EVER}
    return Response(store.get(row.digest), media_type=MEDIA_TYPE, headers=headers)


@router.get("/admin/competitions/{slug}/presentation", operation_id="get_presentation", responses=REFUSALS)
def get_presentation(slug: str, caller: Organizer, session: ReadingDep) -> PresentationView:
    """The overview and every image that was brought."""
    return service.load_presentation(session, slug, caller)


@router.put("/admin/competitions/{slug}/overview", operation_id="write_overview", responses=REFUSALS)
def write_overview(slug: str, caller: Organizer, session: SessionDep, new: NewOverview) -> PresentationView:
    return service.write_overview(session, slug, new.text, caller)


@router.post(
    "/admin/competitions/{slug}/images",
    status_code=201,
    operation_id="add_image",
    responses=describe_errors(401, 403, 404, 409, 413, 422, 429, 503),
)
def add_image(
    slug: str,
    caller: Organizer,
    engine: EngineDep,
    store: StoreDep,
    file: Annotated[UploadFile, File(description="PNG, JPEG, WebP or GIF; of a moving one the first frame is kept")],
    alt: Annotated[Alt, Form(description="what it shows, in words")],
    as_cover: Annotated[bool, Form()] = False,
) -> ImageView:
    """Bring an image. It is drawn again from its pixels, at most 1600 a side, and nothing else of it is kept."""
    new = service.NewImage(file.file.read(MOST_BYTES + 1), alt, as_cover)
    return service.bring_image(engine, store, slug, new, caller)


@router.put("/admin/competitions/{slug}/cover", operation_id="choose_cover", responses=REFUSALS)
def choose_cover(slug: str, caller: Organizer, session: SessionDep, new: NewCover) -> PresentationView:
    return service.choose_cover(session, slug, new.digest, caller)


@router.delete("/admin/competitions/{slug}/images/{digest}", operation_id="remove_image", responses=REFUSALS)
def remove_image(slug: str, digest: Digest, caller: Organizer, session: SessionDep) -> PresentationView:
    """Where a text shows it, its words stand from then on."""
    return service.remove_image(session, slug, digest, caller)
