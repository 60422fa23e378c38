import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.security import hash_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession
from core.db.session import transaction
from core.settings import Settings
from tests import factories

PAGE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
URL = "https://host.example/hook"


@pytest.fixture
def reader(client: TestClient, engine: Engine, settings: Settings) -> TestClient:
    """Somebody who logged in, where mail is sent."""
    changes = {"smtp_host": "127.0.0.1", "mail_from": "lacuna@host.example"}
    client.app.state.settings = settings.model_copy(update=changes)  # type: ignore[attr-defined]
    with transaction(engine) as session:
        user = factories.make_user(session, "ann")
        expires_at = utc_now() + timedelta(hours=1)
        session.add(BrowserSession(user_id=user.id, secret_sha256=hash_token("lct_ann"), expires_at=expires_at))
    client.headers.update(PAGE)
    client.cookies.set("lacuna", "lct_ann")
    return client


def add(reader: TestClient) -> tuple[str, str]:
    """Return the webhook's id and the page that shows its secret."""
    answer = reader.post("/account/notifications/webhooks", data={"url": URL, "events": ["team.invited"]})
    assert answer.status_code == 200
    return reader.get("/api/v1/me/webhooks").json()["items"][0]["id"], answer.text


def test_the_secret_stands_on_one_answer_only(reader: TestClient) -> None:
    _, text = add(reader)
    assert "whsec_" in text
    page = reader.get("/account/notifications").text
    assert URL in page
    assert "whsec_" not in page


def test_a_changed_secret_stands_on_one_answer_only_and_says_how_long_the_old_one_signs(reader: TestClient) -> None:
    webhook_id, text = add(reader)
    (old,) = re.findall(r"whsec_[\w+/=]+", text)
    answer = reader.post(f"/account/notifications/webhooks/{webhook_id}/secret", data={"overlap": "true"})
    assert (answer.headers["cache-control"], "whsec_" in answer.text, old in answer.text) == ("no-store", True, False)
    page = reader.get("/account/notifications").text
    assert "whsec_" not in page
    assert "signed with the old one, too" in page
    reader.post(f"/account/notifications/webhooks/{webhook_id}/secret")
    assert "signed with the old one, too" not in reader.get("/account/notifications").text


def test_a_test_is_sent_and_seen_in_the_log(reader: TestClient) -> None:
    webhook_id, _ = add(reader)
    page = reader.post(f"/account/notifications/webhooks/{webhook_id}/test").text
    assert ">webhook.test</td>" in page
    assert "pending" in page


def test_a_webhook_is_turned_off_on_and_removed(reader: TestClient) -> None:
    webhook_id, _ = add(reader)
    assert "turned off by its owner" in reader.post(f"/account/notifications/webhooks/{webhook_id}/off").text
    assert "Send a test" in reader.post(f"/account/notifications/webhooks/{webhook_id}/on").text
    assert URL not in reader.post(f"/account/notifications/webhooks/{webhook_id}/remove").text
    assert reader.post(f"/account/notifications/webhooks/{webhook_id}/eat").status_code == 422


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"url": "http://10.0.0.1/", "events": ["team.invited"]}, "begins with https://"),
        ({"url": URL}, "Choose at least one thing"),
    ],
)
def test_a_refused_webhook_says_why(reader: TestClient, data: dict[str, str], said: str) -> None:
    answer = reader.post("/account/notifications/webhooks", data=data)
    assert answer.status_code == 422
    assert said in answer.text


def test_an_address_is_saved_shown_as_unconfirmed_and_removed(reader: TestClient) -> None:
    data = {"address": "ann@host.example", "events": ["team.invited"]}
    page = reader.post("/account/notifications/mail", data=data).text
    assert "ann@host.example has not been confirmed yet" in page
    assert "has not been confirmed" not in reader.post("/account/notifications/mail", data={"address": ""}).text


def test_a_refused_address_says_why(reader: TestClient) -> None:
    answer = reader.post("/account/notifications/mail", data={"address": "nobody"})
    assert answer.status_code == 422
    assert "does not look like an e-mail address" in answer.text


def test_the_account_leads_to_its_notifications(reader: TestClient) -> None:
    assert "/account/notifications" in reader.get("/account").text
