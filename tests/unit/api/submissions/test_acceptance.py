import errno
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import OperationalError

from api.submissions.acceptance import clean_filename
from core.db.models.contests import Competition
from core.db.models.submissions import Evaluation, Shard, Submission
from core.db.session import reading, transaction
from core.settings import Settings
from tests import factories
from tests.unit.api.conftest import Broker, Login

URL = "/api/v1/competitions/digits/submissions"


@pytest.fixture(autouse=True)
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, "digits", daily_limit=4, concurrent_limit=3, daily_refunds=0)


@pytest.fixture
def ann(login: Callable[..., Login]) -> Login:
    return login("ann")


def submit(
    client: TestClient, who: Login, content: bytes = factories.SOURCE, *, key: str = "", name: str = "a.py", **form: Any
) -> Response:
    headers = who.headers | ({"Idempotency-Key": key} if key else {})
    return client.post(URL, headers=headers, files={"file": (name, content)}, data=form)


def count(engine: Engine, table: type[Any]) -> int:
    with reading(engine) as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def test_an_upload_is_queued_with_its_canary(client: TestClient, ann: Login, broker: Broker, engine: Engine) -> None:
    answer = submit(client, ann, note="first")
    body = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/submissions/{body['id']}" == body["links"]["self"]
    assert (body["status"], body["verdict"], body["note"], body["user"]) == ("queued", None, "first", "ann")
    assert (body["progress"], body["queue_position"]) == ({"finished": 0, "total": 256}, 1)
    with reading(engine) as session:
        shard = session.scalars(select(Shard)).one()
    assert (shard.first, shard.count) == (0, 8)
    assert broker.sent == [("lacuna.run_shard", shard.id)]


def test_the_upload_is_kept_byte_for_byte(client: TestClient, ann: Login) -> None:
    content = factories.SOURCE + "# ümläut\r\n".encode()
    link = submit(client, ann, content).json()["links"]["source"]
    answer = client.get(link, headers=ann.headers)
    assert answer.content == content
    assert answer.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.py", b"def unlearning(:\n", "SYNTAX_ERROR"),
        ("a.py", b"x = 1\n", "ENTRYPOINT_MISSING"),
        ("a.py", b"def unlearning(a):\n    return a\n", "SIGNATURE_MISMATCH"),
        ("a.zip", b"PK\x03\x04 nonsense", "ARCHIVE_INVALID"),
        ("a.ipynb", b"{}", "NOTEBOOK_INVALID"),
    ],
)
def test_a_file_that_cannot_run_ends_rejected_at_once_with_a_reason(
    client: TestClient, ann: Login, broker: Broker, name: str, content: bytes, code: str
) -> None:
    answer = submit(client, ann, content, name=name)
    body = answer.json()
    assert answer.status_code == 202
    assert (body["status"], body["verdict"], body["code"], body["fault_of"]) == (
        "finished",
        "rejected",
        code,
        "participant",
    )
    assert body["reason"]
    assert body["hint"]
    assert broker.sent == []


def test_an_empty_file_ends_rejected_with_a_reason(client: TestClient, ann: Login) -> None:
    body = submit(client, ann, b"").json()
    assert (body["verdict"], bool(body["reason"]), bool(body["hint"])) == ("rejected", True, True)


def test_a_file_over_the_limit_is_refused_and_nothing_is_stored(client: TestClient, ann: Login, engine: Engine) -> None:
    answer = submit(client, ann, b"#" * 100_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")
    assert count(engine, Submission) == 0


def test_fifty_megabytes_are_refused(client: TestClient, ann: Login, engine: Engine) -> None:
    answer = submit(client, ann, b"#" * (50 << 20))
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")
    assert count(engine, Submission) == 0


def test_an_upload_without_a_file_is_invalid(client: TestClient, ann: Login) -> None:
    answer = client.post(URL, headers=ann.headers, data={"note": "x"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file")


def test_the_same_key_gives_the_same_submission(client: TestClient, ann: Login, engine: Engine) -> None:
    first, second = submit(client, ann, key="k1"), submit(client, ann, key="k1")
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"
    assert (second.status_code, count(engine, Submission)) == (202, 1)


def test_the_same_key_with_another_file_is_a_conflict(client: TestClient, ann: Login) -> None:
    submit(client, ann, key="k1")
    answer = submit(client, ann, factories.SOURCE + b"\n", key="k1")
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


def test_a_key_belongs_to_its_user(client: TestClient, ann: Login, login: Callable[..., Login]) -> None:
    first, second = submit(client, ann, key="k1"), submit(client, login("bob"), key="k1")
    assert first.json()["id"] != second.json()["id"]


def test_a_replay_is_answered_when_the_quota_is_used_up(client: TestClient, ann: Login) -> None:
    first = submit(client, ann, b"broken(", key="k1")
    for _ in range(3):
        assert submit(client, ann, b"broken(").status_code == 202
    assert submit(client, ann, b"broken(").status_code == 429
    assert submit(client, ann, b"broken(", key="k1").json()["id"] == first.json()["id"]


def test_the_day_is_limited(client: TestClient, ann: Login) -> None:
    for _ in range(4):
        submit(client, ann, b"broken(")
    answer = submit(client, ann)
    assert (answer.status_code, answer.json()["code"]) == (429, "DAILY_LIMIT")
    assert int(answer.headers["retry-after"]) >= 1


def test_what_is_refused_on_arrival_is_given_back_a_few_times(
    client: TestClient, ann: Login, engine: Engine, competition: Competition
) -> None:
    with transaction(engine) as session:
        session.get_one(Competition, competition.id).daily_refunds = 2
    for spent in (0, 0, 1, 2):
        submit(client, ann, b"broken(")
        assert client.get("/api/v1/competitions/digits/limits", headers=ann.headers).json()["used"] == spent
    ledger = client.get("/api/v1/competitions/digits/limits/ledger", headers=ann.headers).json()
    assert (ledger["charged"], ledger["refunded"]) == (4, 2)
    assert "refused before it ran" in next(each["reason"] for each in ledger["items"] if each["kind"] == "refund")


def test_unfinished_submissions_are_limited(client: TestClient, ann: Login) -> None:
    for _ in range(3):
        submit(client, ann)
    assert submit(client, ann).json()["code"] == "CONCURRENT_LIMIT"


def test_parallel_uploads_do_not_slip_past_the_limit(client: TestClient, ann: Login, engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: submit(client, ann).status_code, range(8)))
    assert sorted(statuses) == [202] * 3 + [429] * 5
    assert count(engine, Evaluation) == 3


def test_of_two_hundred_uploads_at_once_exactly_the_five_allowed_ones_are_accepted(
    client: TestClient, ann: Login, engine: Engine, competition: Competition
) -> None:
    with transaction(engine) as session:
        row = session.get_one(Competition, competition.id)
        row.daily_limit, row.total_limit, row.concurrent_limit = 100, 5, 100
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: submit(client, ann).status_code, range(200)))
    assert (statuses.count(202), statuses.count(429)) == (5, 195)
    assert count(engine, Submission) == 5


def test_parallel_uploads_with_one_key_make_one_submission(client: TestClient, ann: Login, engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = {submit_id for submit_id in pool.map(lambda _: submit(client, ann, key="k").json()["id"], range(4))}
    assert len(ids) == count(engine, Submission) == 1


@pytest.mark.parametrize("state", ["preparing", "closed"])
def test_a_competition_that_is_not_open_says_where_it_is(
    client: TestClient, ann: Login, engine: Engine, competition: Competition, state: str
) -> None:
    with transaction(engine) as session:
        session.get_one(Competition, competition.id).state = state
        factories.make_pool(session, competition, done=2)
    answer = submit(client, ann)
    assert (answer.status_code, answer.json()["code"]) == (409, "PHASE_CLOSED")
    assert state in answer.json()["detail"]
    assert ("128 of 513 models" in answer.json()["detail"]) == (state == "preparing")


def test_references_are_for_staff_and_not_limited(client: TestClient, ann: Login, login: Callable[..., Login]) -> None:
    staff = login(role="organizer")
    assert submit(client, ann, purpose="reference").status_code == 403
    for _ in range(6):
        assert submit(client, staff, purpose="reference").json()["purpose"] == "reference"


def test_calibration_runs_cannot_be_asked_for(client: TestClient, login: Callable[..., Login]) -> None:
    assert submit(client, login(role="admin"), purpose="calibration").status_code == 422


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\work\\a.py", "a.py"),
        ("../../etc/passwd", "passwd"),
        ("a\x1b[31m.py", "a_[31m.py"),
        ("", "submission.py"),
        ("x" * 200 + ".py", "x" * 117 + ".py"),
    ],
)
def test_file_names_are_made_harmless(given: str, kept: str) -> None:
    assert clean_filename(given) == kept


def test_an_upload_to_a_locked_database_is_refused_whole_and_may_be_repeated(
    client: TestClient, ann: Login, engine: Engine, settings: Settings
) -> None:
    def be_impatient(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    engine.dispose()
    event.listen(engine, "connect", be_impatient)
    with closing(sqlite3.connect(settings.data_folder / "lacuna.sqlite", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        answer = submit(client, ann, key="one")
        holder.execute("ROLLBACK")
    assert (answer.status_code, answer.json()["code"]) == (503, "DATABASE_AWAY")
    assert int(answer.headers["retry-after"]) > 0
    assert count(engine, Submission) == 0
    assert submit(client, ann, key="one").status_code == 202
    assert (count(engine, Submission), count(engine, Evaluation), count(engine, Shard)) == (1, 1, 1)


def test_an_upload_that_finds_the_disk_full_is_our_fault_and_may_be_repeated(
    client: TestClient, ann: Login, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("starlette.formparsers.MultiPartParser.spool_max_size", 1)  # what is larger goes to the disk
        patch.setattr("tempfile.SpooledTemporaryFile.rollover", fail)
        answer = submit(client, ann)
    assert (answer.status_code, answer.json()["code"]) == (503, "PLATFORM_FAULT")
    assert int(answer.headers["retry-after"]) > 0
    assert count(engine, Submission) == 0


def test_what_is_committed_is_accepted_though_the_outbox_cannot_be_cleared(
    client: TestClient, ann: Login, engine: Engine, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("DELETE", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr("core.jobs.outbox.delete_message", fail)
    assert submit(client, ann).status_code == 202
    assert (count(engine, Submission), len(broker.sent)) == (1, 1)
