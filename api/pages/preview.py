"""The page that shows what a competition's problems are made of, for admins only: it shows what is to be forgotten."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from api.configure import previews
from api.deps import Configurer, EngineDep, ReadingDep
from api.pages.kit.forms import submit_form
from api.pages.kit.showing import show
from core.domain.errors import RequestRefused

router = APIRouter(prefix="/admin/competitions", include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/{slug}/preview", name="preview")
def show_preview(slug: str, request: Request, caller: Configurer, session: ReadingDep) -> HTMLResponse:
    return _render_preview(request, session, slug)


@router.post("/{slug}/preview")
def ask(slug: str, request: Request, caller: Configurer, engine: EngineDep) -> Response:
    return submit_form(
        engine,
        lambda session: previews.ask_for_previews(session, slug, caller),
        lambda session, error: _render_preview(request, session, slug, error),
        f"/admin/competitions/{slug}/preview",
        "A worker looks at it now; this page renews itself.",
    )


def _render_preview(request: Request, session: Session, slug: str, error: RequestRefused | None = None) -> HTMLResponse:
    return show(request, "preview.html", error=error, found=previews.load_previews(session, slug))
