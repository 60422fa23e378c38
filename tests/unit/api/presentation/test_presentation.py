"""The overview, the cover and the images of a competition: by the API, by forms, and as visitors see them."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image
from sqlalchemy import Engine

from core.db.queries import competitions
from core.db.session import transaction
from core.domain import images
from core.domain.competition import CompetitionState
from tests import factories
from tests.unit.api.conftest import Login

API = "/api/v1/competitions/digits"
ADMIN = "/api/v1/admin/competitions/digits"
PAGE = "/competitions/digits/organize/presentation"
HTML = {"Accept": "text/html"}
Headers = dict[str, str]


@pytest.fixture(autouse=True)
def competition(engine: Engine) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")


@pytest.fixture
def olga(login: Callable[..., Login]) -> Headers:
    return login("olga", "organizer").headers


def draw(colour: str = "red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 20), colour).save(stream, "PNG")
    return stream.getvalue()


def bring(client: TestClient, headers: Headers, colour: str = "red", **form: Any) -> Response:
    files = {"file": ("a.png", draw(colour))}
    return client.post(f"{ADMIN}/images", files=files, data={"alt": "a red field"} | form, headers=headers)


def test_an_image_is_there_for_everybody_and_for_long(client: TestClient, olga: Headers) -> None:
    made = bring(client, olga)
    assert made.status_code == 201
    view = made.json()
    assert view["address"] == f"{API}/images/{view['digest']}"
    assert view["markdown"] == f"![a red field]({view['address']})"
    found = client.get(view["address"])
    assert Image.open(io.BytesIO(found.content)).size == (40, 20)
    assert found.headers["content-type"] == "image/webp"
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in found.headers["content-security-policy"]
    audit = client.get("/api/v1/admin/audit", headers=olga).json()["items"][0]
    assert audit["action"] == "competition.add_image"


def test_nobody_sees_images_of_a_draft_nor_by_another_competition(
    client: TestClient, engine: Engine, olga: Headers
) -> None:
    address = bring(client, olga).json()["address"]
    with transaction(engine) as session:
        factories.make_competition(session, "other")
        row = competitions.fetch_competition(session, "digits")
        assert row is not None
        row.state = CompetitionState.DRAFT
    assert client.get(address).status_code == 404
    assert client.get(address.replace("digits", "other")).status_code == 404
    assert client.get(address, headers=olga).headers["cache-control"] == "no-store"


def test_a_cover_stands_on_the_first_page_and_above_every_tab(client: TestClient, olga: Headers) -> None:
    address = bring(client, olga, as_cover="true").json()["address"]
    picture = f'<img class="cover" src="{address}" alt="a red field"'
    for page in ("/", "/competitions/digits", "/competitions/digits/rules"):
        assert picture in client.get(page, headers=HTML).text
    assert client.get("/api/v1/competitions").json()["items"][0]["cover"]["alt"] == "a red field"
    assert client.put(f"{ADMIN}/cover", json={"digest": None}, headers=olga).status_code == 200
    assert picture not in client.get("/", headers=HTML).text
    assert client.put(f"{ADMIN}/cover", json={"digest": None}, headers=olga).status_code == 409
    assert client.put(f"{ADMIN}/cover", json={"digest": "0" * 64}, headers=olga).status_code == 404


def test_a_removed_image_is_gone_and_no_cover(client: TestClient, olga: Headers) -> None:
    view = bring(client, olga, as_cover="true").json()
    assert client.delete(f"{ADMIN}/images/{view['digest']}", headers=olga).json()["images"] == []
    assert client.get(view["address"]).status_code == 404
    assert client.get(API).json()["cover"] is None


def test_the_same_image_again_only_gets_other_words(client: TestClient, olga: Headers) -> None:
    first = bring(client, olga, as_cover="true").json()
    again = bring(client, olga, alt="red [all] over").json()
    assert (again["digest"], again["is_cover"]) == (first["digest"], True)
    assert again["markdown"].startswith("![red (all) over](")
    assert client.get(API).json()["cover"]["alt"] == "red [all] over"
    assert len(client.get(f"{ADMIN}/presentation", headers=olga).json()["images"]) == 1


def test_there_are_so_many_and_so_many_an_hour(
    client: TestClient, olga: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.presentation.service.MOST_IMAGES", 1)
    assert bring(client, olga).status_code == 201
    assert "at most 1 images" in bring(client, olga, "blue").json()["detail"]
    monkeypatch.setattr("api.presentation.service.MOST_IMAGES", 9)
    monkeypatch.setattr(images, "UPLOADS_AN_HOUR", 1)
    late = bring(client, olga, "blue")
    assert (late.status_code, late.json()["code"]) == (429, "IMAGE_LIMIT")
    assert 0 < int(late.headers["retry-after"]) <= 3600


def test_texts_show_images_of_a_competition_and_of_nowhere_else(client: TestClient, olga: Headers) -> None:
    view = bring(client, olga).json()
    text = f"# Why\n\n{view['markdown']} ![out](https://a.example/x.png) ![up](/api/v1/me) ![odd]({view['address']}?x)"
    assert client.put(f"{ADMIN}/overview", json={"text": text}, headers=olga).status_code == 200
    page = client.get("/competitions/digits", headers=HTML).text
    assert f'<img src="{view["address"]}" alt="a red field" loading="lazy">' in page
    assert page.count("<img") == 2  # with the mark of the site
    assert client.get(API).json()["overview"] == text
    assert client.put(f"{ADMIN}/overview", json={"text": text}, headers=olga).status_code == 409


def test_the_whole_of_it_works_by_forms(client: TestClient, olga: Headers) -> None:
    headers = olga | HTML
    none = client.post(f"{PAGE}/images", data={"alt": "a red field", "as_cover": "true"}, headers=headers)
    assert none.status_code == 422
    assert 'id="file-wrong"' in none.text
    assert 'value="a red field"' in none.text
    drawing = {"file": ("a.svg", b"<svg onload='alert(1)'/>")}
    assert "SVG" in client.post(f"{PAGE}/images", files=drawing, data={"alt": "x"}, headers=headers).text
    nameless = client.post(f"{PAGE}/images", files={"file": ("a.png", draw())}, data={"alt": " "}, headers=headers)
    assert 'id="alt-wrong"' in nameless.text
    data = {"alt": "a red field", "as_cover": "true"}
    there = client.post(f"{PAGE}/images", files={"file": ("a.png", draw())}, data=data, headers=headers)
    assert "The image is there." in there.text
    digest = client.get(f"{ADMIN}/presentation", headers=olga).json()["images"][0]["digest"]
    for deed, said in (("uncover", "no cover now"), ("cover", "the cover now"), ("remove", "removed")):
        assert said in client.post(f"{PAGE}/images/{digest}/{deed}", headers=headers).text
    assert client.post(f"{PAGE}/images/{digest}/remove", headers=headers).status_code == 404
    assert "The overview is saved." in client.post(PAGE, data={"text": "*why*"}, headers=headers).text
    assert "<em>why</em>" in client.get("/competitions/digits", headers=HTML).text
    assert client.post(PAGE, data={"text": "*why*"}, headers=headers).status_code == 409


def test_an_overview_is_a_part_of_the_competition_file(
    client: TestClient, olga: Headers, login: Callable[..., Login]
) -> None:
    client.put(f"{ADMIN}/overview", json={"text": "*why*"}, headers=olga)
    admin = login("ada", "admin").headers
    document = client.get(f"{ADMIN}/file", headers=admin)
    assert "*why*" in document.text
