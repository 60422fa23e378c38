"""What a sent form does to the database and where it leads."""

import pytest
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from api.pages.kit.forms import answer_form, show_once, submit_form
from core.db.session import reading
from core.domain.errors import Conflict, RequestRefused


def show_again(session: Session, error: RequestRefused) -> HTMLResponse:
    return HTMLResponse(error.message, status_code=409)


@pytest.fixture
def table(engine: Engine) -> Engine:
    with engine.begin() as connection:
        connection.execute(text("create table notes (line text)"))
    return engine


def count_notes(engine: Engine) -> int:
    with reading(engine) as session:
        return int(session.execute(text("select count(*) from notes")).scalar_one())


def add_note(session: Session) -> int:
    session.execute(text("insert into notes values ('one')"))
    return 7


def test_a_form_that_is_taken_leads_on_and_is_kept(table: Engine) -> None:
    answer = submit_form(table, add_note, show_again, "/notes")

    assert (answer.status_code, answer.headers["location"]) == (303, "/notes")
    assert count_notes(table) == 1


def test_what_was_made_can_say_where_to_go(table: Engine) -> None:
    answer = submit_form(table, add_note, show_again, lambda number: f"/notes/{number}")

    assert answer.headers["location"] == "/notes/7"


def test_a_refused_form_is_shown_again_and_leaves_nothing_behind(table: Engine) -> None:
    def refuse(session: Session) -> None:
        add_note(session)
        raise Conflict("too many notes")

    answer = submit_form(table, refuse, show_again, "/notes")

    assert (answer.status_code, answer.body) == (409, b"too many notes")
    assert count_notes(table) == 0


def test_a_form_may_answer_with_a_page_that_is_kept_nowhere(table: Engine) -> None:
    answer = submit_form(
        table,
        add_note,
        show_again,
        lambda number: show_once(table, lambda session: HTMLResponse(f"the secret is {number}")),
    )

    assert (answer.status_code, answer.body) == (200, b"the secret is 7")
    assert answer.headers["cache-control"] == "no-store"
    assert count_notes(table) == 1


def test_what_opens_its_own_transactions_is_shown_again_too(table: Engine) -> None:
    def refuse() -> HTMLResponse:
        raise Conflict("too many notes")

    answer = answer_form(table, refuse, show_again)

    assert (answer.status_code, answer.body) == (409, b"too many notes")
