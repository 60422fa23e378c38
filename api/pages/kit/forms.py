"""What every form does when it is sent: one transaction, then another page, or the same page with the refusal on it."""

from collections.abc import Callable
from typing import TypeVar

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.pages.kit.showing import leave_word
from core.db.session import reading, transaction
from core.domain.errors import RequestRefused

Done = TypeVar("Done")
ShowAgain = Callable[[Session, RequestRefused | None], HTMLResponse]


def submit_form(
    engine: Engine,
    act: Callable[[Session], Done],
    again: ShowAgain,
    then: str | Callable[[Done], str | Response],
    said: str = "Saved.",
    *,
    preview: bool = False,
) -> Response:
    """Do what the form asks, in one transaction, and go to `then`: a path, or what makes of what was done a path or,
    where something is shown this once, the answer itself. The page at that path says what was done: `said`.

    A refusal, of `act` or of reading what was typed in it, shows the page again: `again` renders it with the reason.
    preview: nothing is done, and the page is shown again with what was typed and how it reads.
    """
    if preview:
        with reading(engine) as session:
            return again(session, None)

    def answer() -> Response:
        with transaction(engine) as session:
            done = act(session)
        found = then if isinstance(then, str) else then(done)
        return lead_on(found, said) if isinstance(found, str) else found

    return answer_form(engine, answer, again)


def answer_form(engine: Engine, answer: Callable[[], Response], again: ShowAgain) -> Response:
    """The same for what opens its transactions itself, as logging in and uploading do."""
    try:
        return answer()
    except RequestRefused as error:
        with reading(engine) as session:
            return again(session, error)


def lead_on(path: str, said: str) -> Response:
    """To a page that says once what was done."""
    response = RedirectResponse(path, status_code=303)
    leave_word(response, said)
    return response


def show_once(engine: Engine, render: Callable[[Session], HTMLResponse]) -> HTMLResponse:
    """A page with a secret that stands on this answer and nowhere else."""
    with reading(engine) as session:
        response = render(session)
    response.headers["Cache-Control"] = "no-store"
    return response
