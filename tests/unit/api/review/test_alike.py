"""Staff see copies between teams, and both sources; nobody else does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.review import similar
from core.db.session import transaction
from core.domain.similarity import find_pairs
from tests import factories
from tests.unit.api.conftest import Login

ALIKE = "/api/v1/admin/competitions/digits/alike"
CODE = Path("baselines/vision_confusion.py").read_text()


def submit(client: TestClient, who: Login, text: str) -> str:
    path = "/api/v1/competitions/digits/submissions"
    answer = client.post(path, files={"file": ("mine.py", text.encode())}, headers=who.headers)
    return str(answer.json()["id"])


@pytest.fixture
def copied(client: TestClient, engine: Engine, login: Callable[..., Login]) -> tuple[str, str]:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    copy = CODE.replace("loader", "batches") + "\nEXTRA = '<script>'\n"
    return submit(client, login("ann"), CODE), submit(client, login("bob"), copy)


def test_a_copy_under_other_names_is_shown_with_both_sources(
    client: TestClient, copied: tuple[str, str], login: Callable[..., Login]
) -> None:
    olga = login("olga", "organizer").headers | {"Accept": "text/html"}
    (pair,) = client.get(ALIKE, headers=olga).json()["items"]
    assert (pair["earlier"]["by"], pair["later"]["by"], pair["is_same_file"]) == ("ann", "bob", False)
    a, b = copied
    page = client.get("/admin/flags", headers=olga).text
    assert f"/admin/flags/alike?a={a}&amp;b={b}" in page
    sides = client.get("/admin/flags/alike", params={"a": a, "b": b}, headers=olga).text
    assert "batches" in sides
    assert "&lt;script&gt;" in sides
    assert 'class="differs"' in sides


def test_the_same_starter_file_of_two_teams_is_no_copy(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    starter = Path("core/starter_files/submission.py").read_text()
    for name in ("ann", "bob"):
        submit(client, login(name), starter)
    assert client.get(ALIKE, headers=login("olga", "organizer").headers).json()["items"] == []
    assert client.get("/admin/flags/alike?a=x&b=y", headers=login("o", "organizer").headers).status_code == 404


def decide(client: TestClient, headers: dict[str, str], pair: tuple[str, str], **changes: str) -> int:
    body = {"earlier": pair[0], "later": pair[1], "decision": "dismissed", "reason": "one paper"} | changes
    return client.post(f"{ALIKE}/decision", json=body, headers=headers).status_code


def test_a_pair_is_dismissed_or_upheld_with_a_reason(
    client: TestClient, copied: tuple[str, str], login: Callable[..., Login]
) -> None:
    olga = login("olga", "organizer").headers
    assert decide(client, olga, copied) == 200
    assert decide(client, olga, copied, reason="") == 422
    assert decide(client, olga, (copied[1], copied[0])) == 404
    (pair,) = client.get(ALIKE, headers=olga).json()["items"]
    assert (pair["decision"]["decision"], pair["decision"]["decided_by"]) == ("dismissed", "olga")
    entry = client.get("/api/v1/admin/audit", headers=olga).json()["items"][0]
    assert entry["sentence"] == (
        "olga decided that the likeness of sources of ann and bob in competition digits is dismissed."
        " Because: one paper"
    )
    page = f"/admin/flags/alike?a={copied[0]}&b={copied[1]}"
    html = olga | {"Accept": "text/html"}
    form = {"competition": "digits", "decision": "upheld", "reason": "the same comments"}
    assert "the same comments" in client.post(page, data=form, headers=html).text
    refused = client.post(page, data=form | {"reason": ""}, headers=html)
    assert (refused.status_code, "olga upheld this" in refused.text) == (422, True)


def test_pairs_are_computed_once_until_something_is_submitted(
    client: TestClient, copied: tuple[str, str], login: Callable[..., Login], monkeypatch: pytest.MonkeyPatch
) -> None:
    olga, counted = login("olga", "organizer").headers, []
    monkeypatch.setattr(similar, "find_pairs", lambda *args: counted.append(1) or find_pairs(*args))
    for _ in range(3):
        assert len(client.get(ALIKE, headers=olga).json()["items"]) == 1
    submit(client, login("eve"), CODE.replace("loader", "others"))
    assert len(client.get(ALIKE, headers=olga).json()["items"]) > 1
    assert len(counted) == 2
