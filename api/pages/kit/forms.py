"""What every form does when it is sent: one transaction, then another page, or the same page with the refusal on it."""

from collections.abc import Callable
from typing import TypeVar

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db.session import reading, transaction
from core.domain.errors import RequestRefused

Done = TypeVar("Done")
ShowAgain = Callable[[Session, RequestRefused], HTMLResponse]


def submit_form(
    engine: Engine,
    act: Callable[[Session], Done],
    again: ShowAgain,
    then: str | Callable[[Done], str],
) -> Response:
    """Do what the form asks, in one transaction, and go to `then` (a path, or what makes one of what was done).

    A refusal, of `act` or of reading what was typed in it, shows the page again: `again` renders it with the reason.
    """
    try:
        with transaction(engine) as session:
            done = act(session)
    except RequestRefused as error:
        with reading(engine) as session:
            return again(session, error)
    return RedirectResponse(then if isinstance(then, str) else then(done), status_code=303)
