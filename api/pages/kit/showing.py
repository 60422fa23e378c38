"""Rendering a page, and a refused form as the same page with the reason on it."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.templating import Jinja2Templates

from api.errors import get_status, make_refusal
from api.pages.kit.formats import FILTERS
from api.pages.kit.places import list_groups, name_current
from api.refused.placing import place_refusal
from api.static import make_address
from core.domain.errors import RequestRefused
from core.domain.visible import make_visible

SAID = "lacuna-said"


def show(request: Request, template: str, *, error: RequestRefused | None = None, **values: Any) -> HTMLResponse:
    """Render a page; a refused form is the same page with the reason on it, under the refusal's own status."""
    said = "" if error else unquote(request.cookies.get(SAID, ""))
    page = _TEMPLATES.get_template(template).render({**values, "request": request, "said": said})
    if error:
        page = place_refusal(page, make_refusal(request, error))
    response = HTMLResponse(page, get_status(error)[0] if error else 200)
    if said:
        response.delete_cookie(SAID)
    if request.state.caller.user_id:  # nobody who sits down after a log-out finds it by going back
        response.headers["Cache-Control"] = "no-store"
    return response


def leave_word(response: Response, said: str) -> None:
    """For the next page that this reader opens; plain words, and nothing that may not be known."""
    response.set_cookie(SAID, quote(said), max_age=60, httponly=True, samesite="lax")


def make_key() -> str:
    """Sent along with a form, so that sending it twice uploads once."""
    return secrets.token_urlsafe(16)


def make_environment(folder: Path, filters: Mapping[str, Callable[..., Any]]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters.update(filters)
    return environment


def _finalize(value: Any) -> Any:
    """Of everything that a template writes: foreign text has no characters that turn or hide what stands beside it."""
    if isinstance(value, Markup):
        return Markup(make_visible(str(value)))  # noqa: S704  (the same, with escapes of plain letters in it)
    return make_visible(value) if isinstance(value, str) else value


_TEMPLATES = Jinja2Templates(env=make_environment(Path(__file__).parents[1] / "templates", FILTERS))
_TEMPLATES.env.globals |= {"static": make_address, "list_groups": list_groups, "name_current": name_current}
