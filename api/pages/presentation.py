"""The page on which organizers write a competition's overview, bring images and choose its cover."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.competitions.service import load_competition, make_summary
from api.deps import Caller, EngineDep, Organizer, ReadingDep, StoreDep
from api.pages.kit.forms import ShowAgain, answer_form, lead_on, submit_form
from api.pages.kit.reading import read_model, unify_lines
from api.pages.kit.showing import show
from api.presentation import service
from api.presentation.schemas import Alt, NewOverview
from core.competition_file import OVERVIEW_CHARS
from core.domain.errors import RequestRefused
from core.domain.images import MOST_ALT, MOST_BYTES, MOST_IMAGES

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


class ImageDeed(StrEnum):
    COVER = "cover"
    UNCOVER = "uncover"
    REMOVE = "remove"


SAID = {
    ImageDeed.COVER: "It is the cover now.",
    ImageDeed.UNCOVER: "There is no cover now.",
    ImageDeed.REMOVE: "The image is removed.",
}


class ImageWords(BaseModel):
    alt: Alt


@router.get("/competitions/{slug}/organize/presentation", name="presentation")
def show_presentation(slug: str, request: Request, caller: Organizer, session: ReadingDep) -> HTMLResponse:
    return _render(slug, request, caller, session)


@router.post("/competitions/{slug}/organize/presentation")
def write_overview(
    slug: str,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    text: Annotated[str, Form()] = "",
    preview: Annotated[bool, Form()] = False,
) -> Response:
    def act(session: Session) -> None:
        rule = f"an overview has at most {OVERVIEW_CHARS:,} characters"
        service.write_overview(session, slug, read_model(NewOverview, {"text": unify_lines(text)}, rule).text, caller)

    return submit_form(
        engine,
        act,
        _again(slug, request, caller, text=text),
        f"/competitions/{slug}/organize/presentation",
        "The overview is saved.",
        preview=preview,
    )


@router.post("/competitions/{slug}/organize/presentation/images")
def add_image(
    slug: str,
    request: Request,
    caller: Organizer,
    engine: EngineDep,
    store: StoreDep,
    file: Annotated[UploadFile | None, File()] = None,
    alt: Annotated[str, Form()] = "",
    as_cover: Annotated[bool, Form()] = False,
) -> Response:
    def answer() -> Response:
        words = read_model(ImageWords, {"alt": alt}, f"say in 1 to {MOST_ALT} characters what it shows").alt
        content = file.file.read(MOST_BYTES + 1) if file else b""
        service.bring_image(engine, store, slug, service.NewImage(content, words, as_cover), caller)
        return lead_on(f"/competitions/{slug}/organize/presentation#images", "The image is there.")

    return answer_form(engine, answer, _again(slug, request, caller))


@router.post("/competitions/{slug}/organize/presentation/images/{digest}/{deed}")
def change_image(
    slug: str, digest: str, deed: ImageDeed, request: Request, caller: Organizer, engine: EngineDep
) -> Response:
    def act(session: Session) -> None:
        if deed is ImageDeed.REMOVE:
            service.remove_image(session, slug, digest, caller)
        else:
            service.choose_cover(session, slug, digest if deed is ImageDeed.COVER else None, caller)

    return submit_form(
        engine,
        act,
        _again(slug, request, caller),
        f"/competitions/{slug}/organize/presentation#images",
        SAID[deed],
    )


def _again(slug: str, request: Request, caller: Caller, *, text: str | None = None) -> ShowAgain:
    return lambda session, error: _render(slug, request, caller, session, error, text=text)


def _render(
    slug: str,
    request: Request,
    caller: Caller,
    session: Session,
    error: RequestRefused | None = None,
    *,
    text: str | None = None,
) -> HTMLResponse:
    found = service.load_presentation(session, slug, caller)
    return show(
        request,
        "presentation.html",
        error=error,
        competition=make_summary(load_competition(session, slug, caller)),
        found=found,
        text=found.overview if text is None else text,
        limits={"text": OVERVIEW_CHARS, "alt": MOST_ALT, "bytes": MOST_BYTES, "images": MOST_IMAGES},
    )
