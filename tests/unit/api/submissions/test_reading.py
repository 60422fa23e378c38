import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select

from core.db.models.submissions import Submission
from core.db.session import reading, transaction
from tests import factories
from tests.unit.api.conftest import Login

SOURCE = "import torch\n!pip install nothing\ndef unlearning(net, a, b, c):\n    return net\nprint('<done>')\n"
SUBMIT = "/competitions/digits/submit"


def make_notebook(source: str = SOURCE) -> bytes:
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()


@pytest.fixture
def ann(login: Callable[..., Login], engine: Engine) -> Login:
    with transaction(engine) as session:
        factories.make_competition(session, "digits")
    return login("ann")


def count_submissions(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalars(select(func.count()).select_from(Submission)).one()


def send(client: TestClient, reader: Login, filename: str, content: bytes, **form: str) -> str:
    answer = client.post(
        SUBMIT, headers=reader.headers, files={"file": (filename, content)}, data=form, follow_redirects=False
    )
    return answer.headers.get("location", answer.text)


def test_a_check_tells_what_is_kept_and_stores_nothing(client: TestClient, engine: Engine, ann: Login) -> None:
    answer = client.post("/api/v1/check", headers=ann.headers, files={"file": ("a.ipynb", make_notebook())}).json()
    assert (answer["ok"], answer["origin"]) == (True, "notebook")
    assert any("pip install" in note["source"] for note in answer["left_out"])
    assert any("unlearning" in note["source"] for note in answer["kept"])
    assert count_submissions(engine) == 0


def test_a_check_of_what_cannot_run_gives_its_code_and_hint(client: TestClient, ann: Login) -> None:
    answer = client.post("/api/v1/check", headers=ann.headers, files={"file": ("a.py", b"x = 1")})
    assert answer.status_code == 200
    assert (answer.json()["ok"], answer.json()["code"]) == (False, "ENTRYPOINT_MISSING")
    large = client.post("/api/v1/check", headers=ann.headers, files={"file": ("a.py", b"x" * 100_001)})
    assert large.status_code == 413


def test_the_page_shows_what_is_left_out_of_a_notebook_before_it_counts(
    client: TestClient, engine: Engine, ann: Login
) -> None:
    text = send(client, ann, "a.ipynb", make_notebook())
    assert "Nothing was submitted yet" in text
    assert "print(&#39;&lt;done&gt;&#39;)" in text
    assert count_submissions(engine) == 0
    seen = text.split('id="seen" value="')[1].split('"')[0]
    assert send(client, ann, "a.ipynb", make_notebook(), seen=seen).startswith("/submissions/")
    assert count_submissions(engine) == 1


def test_having_seen_one_notebook_is_not_having_seen_another(client: TestClient, engine: Engine, ann: Login) -> None:
    seen = send(client, ann, "a.ipynb", make_notebook()).split('id="seen" value="')[1].split('"')[0]
    assert "Nothing was submitted yet" in send(client, ann, "a.ipynb", make_notebook(SOURCE + "print(2)\n"), seen=seen)
    assert count_submissions(engine) == 0


def test_a_file_that_cannot_run_counts_for_nothing_on_the_page(client: TestClient, engine: Engine, ann: Login) -> None:
    text = send(client, ann, "a.py", b"def unlearning(:")
    assert "Nothing was submitted, and nothing counts" in text
    assert count_submissions(engine) == 0


@pytest.mark.parametrize("role", [None, "organizer", "admin"])
@pytest.mark.parametrize("path", ["/api/v1/submissions/{}", "/api/v1/submissions/{}/scorecard", "/submissions/{}"])
def test_what_calibrates_a_private_phase_is_not_there(
    client: TestClient, engine: Engine, login: Callable[..., Login], role: str | None, path: str
) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "hidden", exposure="public")
        phase = factories.make_private_phase(session, competition, state="preparing")
        row = factories.make_submission(session, competition, factories.make_user(session), purpose="calibration")
        factories.make_evaluation(session, row, spec_id=phase.spec_id, phase="private")
    headers = login("olga", role).headers if role else {}
    assert client.get(path.format(row.id), headers=headers).status_code == 404


READS_INPUT = b"def unlearning(net, r, f, v):\n    open('/kaggle/input/retain.csv')\n"
BY_KEY = b"def unlearning(net, r, f, v):\n    for batch in r:\n        net(batch['image'])\n"


def test_a_check_holds_a_file_against_the_competition_it_is_meant_for(client: TestClient, ann: Login) -> None:
    def check(content: bytes, **form: str) -> dict[str, object]:
        sent = {"file": ("a.py", content)}
        found: dict[str, object] = client.post("/api/v1/check", headers=ann.headers, files=sent, data=form).json()
        return found

    assert check(READS_INPUT)["ok"]
    assert check(READS_INPUT, competition="digits")["code"] == "FILE_MISSING"
    assert "batches" in str(check(BY_KEY, competition="digits")["warnings"])
    assert check(BY_KEY)["warnings"] == []
    assert check(BY_KEY, competition="nowhere")["status"] == 404


def test_what_must_fail_on_its_problem_is_refused_wherever_it_is_sent(
    client: TestClient, engine: Engine, ann: Login
) -> None:
    assert "Nothing was submitted, and nothing counts" in send(client, ann, "a.py", READS_INPUT)
    assert count_submissions(engine) == 0
    sent = {"file": ("a.py", READS_INPUT)}
    answer = client.post("/api/v1/competitions/digits/submissions", headers=ann.headers, files=sent).json()
    assert (answer["verdict"], answer["code"]) == ("rejected", "FILE_MISSING")
    assert client.get("/api/v1/competitions/digits/limits", headers=ann.headers).json()["used"] == 0
