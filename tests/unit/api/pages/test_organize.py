import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.session import transaction
from tests import factories
from tests.unit.api.conftest import Login


@pytest.fixture
def staff(client: TestClient, login: Callable[..., Login]) -> TestClient:
    client.headers.update(login("olga", "organizer").headers | {"Accept": "text/html"})
    return client


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits-p", title="Digits")


def test_an_organizer_sees_every_submission_and_decides(
    staff: TestClient, engine: Engine, competition: Competition
) -> None:
    with transaction(engine) as session:
        entry = factories.make_scored(session, competition, factories.make_user(session, "ann"))
    page = f"/competitions/{competition.slug}/organize/submissions"
    assert "ann" in staff.get(page).text
    answer = staff.post(f"/submissions/{entry.id}/moderate", data={"reason": "copied from bob"})
    assert "copied from bob" in answer.text
    answer = staff.post(f"/submissions/{entry.id}/moderate", data={"reason": "it was not"})
    assert "copied from bob" not in answer.text


def test_the_page_begins_with_how_many_submissions_ended_how(
    staff: TestClient, engine: Engine, competition: Competition
) -> None:
    with transaction(engine) as session:
        ann, bob = (factories.make_user(session, name) for name in ("ann", "bob"))
        factories.make_scored(session, competition, ann)
        again = factories.make_submission(session, competition, bob)
        early = utc_now() - timedelta(hours=1)
        factories.make_evaluation(session, again, verdict="platform_error", created_at=early)
        factories.make_evaluation(session, again, verdict="scored", score=0.5)
        aside = factories.make_submission(session, competition, bob, purpose="reference")
        factories.make_evaluation(session, aside, verdict="over_budget")
        factories.make_evaluation(session, factories.make_submission(session, competition, ann))
    text = staff.get(f"/competitions/{competition.slug}/organize").text
    facts = text[text.index("<dl") : text.index("</dl>")]
    assert re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", facts) == [("queued", "1"), ("scored", "2")]


def test_a_decision_without_a_reason_is_refused_on_the_page(
    staff: TestClient, engine: Engine, competition: Competition
) -> None:
    with transaction(engine) as session:
        entry = factories.make_scored(session, competition, factories.make_user(session, "ann"))
    answer = staff.post(f"/submissions/{entry.id}/moderate", data={"reason": " "})
    assert answer.status_code == 422
    assert "Give a reason" in answer.text


def test_the_state_is_changed_on_the_page_and_stands_in_the_log(staff: TestClient, competition: Competition) -> None:
    page = f"/competitions/{competition.slug}/organize"
    answer = staff.post(f"{page}/state", data={"state": "frozen", "reason": "a fault in the data"})
    assert '<span class="chip frozen">' in answer.text
    log = staff.get("/audit").text
    assert "a fault in the data" in log
    assert "is intact" in log


def test_a_move_that_does_not_exist_is_refused_on_the_page(staff: TestClient, competition: Competition) -> None:
    page = f"/competitions/{competition.slug}/organize"
    answer = staff.post(f"{page}/state", data={"state": "archived", "reason": "too early"})
    assert answer.status_code == 409
    assert "cannot become archived" in answer.text
