"""How the score works, for who never saw it: a picture and an example with numbers."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.deps import PublicCaller
from api.pages.charts.explaining import Worked, draw_laws
from api.pages.kit.showing import show

router = APIRouter(include_in_schema=False)


@router.get("/score", name="score", response_class=HTMLResponse)
def show_score(request: Request, caller: PublicCaller) -> HTMLResponse:
    return show(request, "score.html", laws=draw_laws(), worked=Worked())
