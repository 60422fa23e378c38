"""How Markdown reads, for the editors of pages."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from api.deps import Member
from api.markdown import LONGEST, render_markdown
from core.domain.visible import make_visible

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/markdown")
def read_markdown(caller: Member, text: Annotated[str, Form(max_length=LONGEST)] = "") -> HTMLResponse:
    return HTMLResponse(make_visible(str(render_markdown(text))), headers={"Cache-Control": "no-store"})
