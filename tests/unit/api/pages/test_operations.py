from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.session import transaction
from core.domain.promises import Finding, Promise, Trial, dump_trials
from tests import factories
from tests.unit.api.conftest import Login
from tests.unit.api.operations.test_operations import make_stuck


@pytest.fixture
def as_role(client: TestClient, login: Callable[..., Login]) -> Callable[[str], TestClient]:
    def become(role: str) -> TestClient:
        client.headers.update(login(f"a-{role}", role).headers | {"Accept": "text/html"})
        return client

    return become


def test_staff_find_the_pages_from_everywhere_and_participants_do_not(
    as_role: Callable[[str], TestClient],
) -> None:
    assert 'href="/admin/queue"' in as_role("organizer").get("/").text
    assert 'href="/admin/queue"' not in as_role("participant").get("/").text


def test_a_stuck_evaluation_is_requeued_on_the_page(as_role: Callable[[str], TestClient], engine: Engine) -> None:
    with transaction(engine) as session:
        row = make_stuck(session, factories.make_competition(session))
    staff = as_role("organizer")
    assert row.id in staff.get("/admin/queue").text
    answer = staff.post(f"/admin/queue/{row.id}", data={"deed": "requeue", "reason": "lost in the broker"})
    assert answer.status_code == 200
    assert "lost in the broker" in staff.get("/audit").text


def test_a_deed_without_a_reason_is_refused_on_the_page(as_role: Callable[[str], TestClient], engine: Engine) -> None:
    with transaction(engine) as session:
        row = make_stuck(session, factories.make_competition(session))
    answer = as_role("organizer").post(f"/admin/queue/{row.id}", data={"deed": "cancel", "reason": " "})
    assert answer.status_code == 422
    assert "Give a reason" in answer.text


def test_only_an_admin_is_offered_to_drain(as_role: Callable[[str], TestClient], engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_node(session, "one")
    assert "Drain" not in as_role("organizer").get("/admin/nodes").text
    admin = as_role("admin")
    assert "Drain" in admin.get("/admin/nodes").text
    answer = admin.post("/admin/nodes/one", data={"deed": "drain", "reason": "a new disk"})
    assert "draining" in answer.text
    assert "a new disk" in answer.text


def test_a_node_shows_what_was_tried_of_its_boxes(as_role: Callable[[str], TestClient], engine: Engine) -> None:
    trials = [Trial(Promise.TIME, Finding.HELD), Trial(Promise.CORE, Finding.BROKEN, "computed 0.8 s in 0.4 s")]
    with transaction(engine) as session:
        factories.make_node(session, "one", promises=dump_trials(trials))
    page = as_role("organizer").get("/admin/nodes").text
    assert "1 of 2 promises held" in page
    assert "one core: not held (computed 0.8 s in 0.4 s)" in page


def test_costs_are_a_table(as_role: Callable[[str], TestClient], engine: Engine) -> None:
    with transaction(engine) as session:
        competition, user = factories.make_competition(session, "digits-q"), factories.make_user(session, "ann")
        submission = factories.make_submission(session, competition, user, purpose="reference")
        factories.make_replicas(session, factories.make_evaluation(session, submission, verdict="scored"), 2, cpu=1.25)
    page = as_role("organizer").get("/admin/costs?days=3&competition=digits-q").text
    assert "2.5" in page
    assert "digits-q" in page
