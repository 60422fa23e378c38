"""What admins do with accounts: every deed has a reason, stands in the log, and spares the own account."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from core.db.models.accounts import User
from core.db.models.notifications import Delivery, MailAddress
from core.db.queries.users import fetch_user_by_name
from core.db.session import transaction
from core.domain.notifications import WELCOME
from core.settings import Settings
from tests.unit.api.conftest import Login

API = "/api/v1/admin/users"
HTML = {"Accept": "text/html"}
WHY = {"reason": "two accounts"}


@pytest.fixture
def root(login: Callable[..., Login]) -> dict[str, str]:
    return login("root", "admin").headers


@pytest.fixture
def ann(login: Callable[..., Login], engine: Engine) -> Login:
    ann = login("ann_100%")
    with transaction(engine) as session:
        session.get_one(User, ann.user.id).password_hash = "$argon2id$some"
    return ann


def list_names(client: TestClient, root: dict[str, str], query: str = "") -> list[str]:
    return [item["name"] for item in client.get(f"{API}?{query}", headers=root).json()["items"]]


def read_log(client: TestClient, root: dict[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = client.get("/api/v1/admin/audit", headers=root).json()["items"][0]
    return entry


def test_accounts_are_found_by_a_part_of_name_or_address_by_role_and_state(
    client: TestClient, engine: Engine, root: dict[str, str], ann: Login, login: Callable[..., Login]
) -> None:
    login("olga", "organizer")
    with transaction(engine) as session:
        address = MailAddress(user_id=ann.user.id, address="a@host.example", events=(), unsubscribe_token="u")
        session.add(address)
    assert list_names(client, root) == ["olga", "ann_100%", "root"]
    assert list_names(client, root, "q=HOST.ex") == ["ann_100%"]
    assert list_names(client, root, "q=0%25") == ["ann_100%"]
    assert list_names(client, root, "q=%25") == ["ann_100%"]  # no wildcard
    assert list_names(client, root, "role=organizer") == ["olga"]
    first = client.get(f"{API}?limit=2", headers=root).json()
    assert list_names(client, root, f"before={first['next_before']}") == ["root"]


def test_suspending_ends_every_way_in_and_reinstating_gives_none_back(
    client: TestClient, root: dict[str, str], ann: Login
) -> None:
    path = f"{API}/ann_100%25"
    assert client.post(f"{path}/suspend", json=WHY, headers=root).json()["suspended_reason"] == "two accounts"
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 401
    assert client.post(f"{path}/suspend", json=WHY, headers=root).status_code == 409
    assert client.post(f"{path}/reset", json=WHY, headers=root).status_code == 409
    assert list_names(client, root, "state=suspended") == ["ann_100%"]
    assert client.post(f"{path}/reinstate", json=WHY, headers=root).json()["suspended_at"] is None
    assert client.get("/api/v1/me", headers=ann.headers).status_code == 401
    assert read_log(client, root)["sentence"] == "root reinstated user ann_100%. Because: two accounts"


def test_a_role_is_given_with_a_reason_and_not_to_oneself(client: TestClient, root: dict[str, str], ann: Login) -> None:
    path = f"{API}/ann_100%25/role"
    assert client.post(path, json={"role": "organizer", "reason": ""}, headers=root).status_code == 422
    body = {"role": "organizer", "reason": "she helps"}
    assert client.post(path, json=body, headers=root).json()["role"] == "organizer"
    assert read_log(client, root)["sentence"].startswith("root changed the role of user ann_100%: role participant → ")
    assert client.post(f"{API}/root/role", json=body, headers=root).status_code == 409
    assert client.post(f"{API}/root/suspend", json=WHY, headers=root).status_code == 409


def test_a_link_is_shown_once_or_mailed_and_never_logged(
    client: TestClient, engine: Engine, settings: Settings, root: dict[str, str], ann: Login
) -> None:
    answer = client.post(f"{API}/ann_100%25/reset", json=WHY, headers=root)
    link = answer.json()["link"]
    assert answer.headers["cache-control"] == "no-store"
    assert client.get(link, headers=HTML).status_code == 200
    assert "token" not in str(read_log(client, root)["detail"])
    with_mail = settings.model_copy(update={"smtp_host": "127.0.0.1", "mail_from": "lacuna@host.example"})
    client.app.state.settings = with_mail  # type: ignore[attr-defined]
    with transaction(engine) as session:
        address = MailAddress(user_id=ann.user.id, address="a@host.example", events=(), unsubscribe_token="u")
        address.recovers, address.confirmed_at = True, ann.user.created_at
        session.add(address)
    mailed = client.post(f"{API}/ann_100%25/reset", json=WHY, headers=root).json()
    assert mailed == {"sent_to": "a@host.example", "link": None}


CSV = "\ufeffName,email,ROLE\n" + "\n".join(
    ("ben,ben@host.example,", "olaf,,organizer", "ROOT,,", "max,not an address,", "moritz,,admin", "ben,,", "-x,,")
)


def test_a_file_is_looked_at_first_and_makes_what_it_said(
    client: TestClient, engine: Engine, settings: Settings, root: dict[str, str]
) -> None:
    with_mail = settings.model_copy(update={"smtp_host": "127.0.0.1", "mail_from": "lacuna@host.example"})
    client.app.state.settings = with_mail  # type: ignore[attr-defined]
    told = {}
    for dry_run in (True, False):
        body = {"csv": CSV, "reason": "a course", "dry_run": dry_run}
        items = client.post(f"{API}/import", json=body, headers=root).json()["items"]
        told[dry_run] = [(item["name"], item["outcome"], bool(item["link"])) for item in items]
        if dry_run:
            assert list_names(client, root) == ["root"]
    outcomes = ["made", "made", "exists", "refused", "refused", "refused", "refused"]
    assert [outcome for _, outcome, _ in told[True]] == [outcome for _, outcome, _ in told[False]] == outcomes
    assert [has_link for *_, has_link in told[False]] == [False, True, *[False] * 5]
    assert sorted(list_names(client, root)) == ["ben", "olaf", "root"]
    with transaction(engine) as session:
        assert [row.target for row in session.scalars(select(Delivery).where(Delivery.event == WELCOME))] == [
            "ben@host.example"
        ]
        olaf = fetch_user_by_name(session, "olaf")
        assert olaf is not None
        assert olaf.role == "organizer"
    assert client.post("/api/v1/tokens", json={"name": "olaf", "password": "?"}).status_code == 401


@pytest.mark.parametrize("text", ["", "who\nann", "name,name\nann,ann", 'name\n"ann', "name\n" + "x\n" * 1001])
def test_a_file_that_is_none_is_refused(client: TestClient, root: dict[str, str], text: str) -> None:
    body = {"csv": text, "reason": "a course"}
    assert client.post(f"{API}/import", json=body, headers=root).status_code == 422


def test_all_of_it_works_by_forms(
    client: TestClient, root: dict[str, str], ann: Login, login: Callable[..., Login]
) -> None:
    login("olga", "organizer")
    headers, page = root | HTML, "/admin/users"
    assert "olga" in client.get(page, headers=headers).text
    assert (
        "olga is admin now."
        in client.post(f"{page}/olga/role", data={"role": "admin", "reason": "she helps"}, headers=headers).text
    )
    assert "suspended" in client.post(f"{page}/ann_100%25/suspend", data=WHY, headers=headers).text
    client.post(f"{page}/ann_100%25/reinstate", data=WHY, headers=headers)
    assert "/reset/new?token=" in client.post(f"{page}/ann_100%25/reset", data=WHY, headers=headers).text
    form = {"csv": "name\nzoe", "reason": "a course"}
    looked = client.post(f"{page}/import", data=form, headers=headers).text
    assert "nothing was made yet" in looked
    assert "name\nzoe</textarea>" in looked
    made = client.post(f"{page}/import", data=form | {"really": "true"}, headers=headers)
    assert "/reset/new?token=" in made.text
    assert made.headers["cache-control"] == "no-store"
    assert client.post(f"{page}/import", data=form | {"reason": ""}, headers=headers).text.count('role="alert"') == 1
