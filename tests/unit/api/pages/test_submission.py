import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from api.deps import Caller
from api.pages.charts.dots import draw_dots
from api.submissions.following import estimate_left, find_failure
from api.submissions.service import make_view
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.submissions import Scorecard, Submission
from core.db.queries import evaluations
from core.db.session import reading, transaction
from core.domain.access import Role
from core.domain.chosen_examples import BEST, BETWEEN, WORST, choose_ranks
from core.formula import list_factors
from core.scorecard import parse_scorecard
from tests import factories
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login

EXAMPLE = {
    "rank": 1, "example_id": 7, "label": "seven", "clean_label": "seven", "image": "", "epsilon": 2.0,
    "attack": "one threshold", "words": "Says so.", "unlearned": [1.0, 2.0], "retrained": [3.0, 4.0],
}  # fmt: skip


def enter(engine: Engine, login: Login, *, exposure: str = "practice", score: float = 0.4, digest: str = "") -> str:
    with transaction(engine) as session:
        row = session.scalars(select(Competition)).first() or factories.make_competition(
            session, "digits", exposure=exposure
        )
        team = factories.find_or_make_team(session, row, login.user)
        values = {"source_digest": digest} if digest else {}
        entry = factories.make_scored(session, row, login.user, score, team_id=team.id, **values)
        for card in session.scalars(select(Scorecard)):
            card.examples = [EXAMPLE]
        return entry.id


def as_caller(login: Login) -> Caller:
    return Caller(login.user.id, login.user.name, Role.PARTICIPANT)


def set_state(engine: Engine, state: str) -> None:
    with transaction(engine) as session:
        session.scalars(select(Competition)).one().state = state  # type: ignore[assignment]


def put(client: TestClient, content: bytes) -> str:
    return client.app.state.store.put(content)  # type: ignore[attr-defined, no-any-return]


def test_a_score_says_its_place_and_what_is_missing_to_the_next(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    enter(engine, login("ann"), score=0.5)
    second = client.get(f"/submissions/{enter(engine, login('bob'), score=0.4)}").text
    assert "Place <strong>2" in second
    assert ">ann</a>, 0.100 ahead" in second
    assert "How the score came about" in second


def test_the_factors_multiply_to_the_score() -> None:
    record = parse_scorecard(make_scorecard_body(0.4))
    factors = [each.value for each in list_factors(record)]
    assert len(factors) in (3, 4)
    assert all(math.isfinite(each) for each in factors)


def test_the_time_left_is_told_from_the_speed_so_far(engine: Engine, login: Callable[..., Login]) -> None:
    ann = login("ann")
    with transaction(engine) as session:
        row = factories.make_submission(session, factories.make_competition(session, "digits"), ann.user)
        factories.make_evaluation(session, row, status="running", finished=64)
        key = row.id
    with reading(engine) as session:
        found = evaluations.fetch_submission(session, key)
        assert found is not None
        now = utc_now()
        view = make_view(session, found, as_caller(ann)).model_copy(update={"started_at": now - timedelta(seconds=60)})
    assert estimate_left(view, now) == pytest.approx(180)
    assert estimate_left(view.model_copy(update={"started_at": None}), now) is None


@pytest.mark.parametrize(
    ("log", "reason", "found"),
    [
        ('File "/box/submission.py", line 12, in unlearning\nFile "/box/mine.py", line 3', "", ("mine.py", 3)),
        ("", "SyntaxError in line 9", ("submission.py", 9)),
        ("nothing", "too slow", None),
    ],
)
def test_a_failure_names_its_line(
    engine: Engine, login: Callable[..., Login], log: str, reason: str, found: tuple[str, int] | None
) -> None:
    ann = login("ann")
    with transaction(engine) as session:
        row = factories.make_submission(session, factories.make_competition(session, "digits"), ann.user)
        factories.make_evaluation(session, row, verdict="runtime_error", log=log, reason=reason)
        key = row.id
    with reading(engine) as session:
        fetched = evaluations.fetch_submission(session, key)
        assert fetched is not None
        failure = find_failure(make_view(session, fetched, as_caller(ann)))
    assert (failure and (failure.file, failure.line)) == found


def test_code_is_for_its_author_until_it_is_published(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    ann, bob = login("ann"), login("bob")
    key = enter(engine, ann, digest=put(client, factories.SOURCE))
    page, html = f"/submissions/{key}/code", {"Accept": "text/html"}
    assert 'id="submission.py-1"' in client.get(page, headers=ann.headers | html).text
    assert [client.get(page, headers=who).status_code for who in (bob.headers, {})] == [404, 404]
    early = client.post(f"/submissions/{key}/publish", data={"licence": "MIT"}, headers=ann.headers | html)
    assert (early.status_code, "once its competition has ended" in early.text) == (409, True)
    set_state(engine, "closed")
    assert "Publish the code" in client.get(f"/submissions/{key}", headers=ann.headers | html).text
    theirs = client.post(f"/api/v1/submissions/{key}/publish", json={"licence": "MIT"}, headers=bob.headers)
    assert theirs.status_code == 404
    wrong = client.post(f"/submissions/{key}/publish", data={"licence": "mine"}, headers=ann.headers | html)
    assert (wrong.status_code, "Choose one of the licences" in wrong.text) == (422, True)
    done = client.post(f"/api/v1/submissions/{key}/publish", json={"licence": "MIT"}, headers=ann.headers)
    assert (done.status_code, done.json()["licence"]) == (200, "MIT")
    assert "published under <strong>MIT" in client.get(page).text
    assert client.get(f"/api/v1/submissions/{key}/source").content == factories.SOURCE
    assert "Published solutions" in client.get("/competitions/digits").text
    again = client.post(f"/api/v1/submissions/{key}/publish", json={"licence": "CC0-1.0"}, headers=ann.headers)
    assert again.status_code == 409


def test_what_is_disqualified_is_not_published(client: TestClient, engine: Engine, login: Callable[..., Login]) -> None:
    ann = login("ann")
    key = enter(engine, ann)
    set_state(engine, "closed")
    with transaction(engine) as session:
        session.get_one(Submission, key).disqualified_at = utc_now()
    answer = client.post(f"/api/v1/submissions/{key}/publish", json={"licence": "MIT"}, headers=ann.headers)
    assert answer.status_code == 409


@pytest.mark.parametrize(("exposure", "status"), [("practice", 200), ("public", 404)])
def test_single_examples_are_told_on_open_problems_alone(
    client: TestClient, engine: Engine, login: Callable[..., Login], exposure: str, status: int
) -> None:
    ann = login("ann")
    key = enter(engine, ann, exposure=exposure)
    answer = client.get(f"/api/v1/submissions/{key}/examples", headers=ann.headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {"items": [EXAMPLE]}
        assert f'data-examples="/api/v1/submissions/{key}/examples"' in client.get(f"/submissions/{key}").text


def test_the_worst_the_best_and_some_between_are_kept() -> None:
    ranks = choose_ranks(1000)
    assert len(ranks) == WORST + BEST + BETWEEN == len(set(ranks))
    assert list(ranks) == sorted(ranks)
    assert (ranks[0], ranks[-1]) == (0, 999)
    assert choose_ranks(5) == (0, 1, 2, 3, 4)


def test_every_forget_example_is_a_dot() -> None:
    dots = draw_dots([place / 100 for place in range(300)])
    assert dots is not None
    assert len(dots.shown) == WORST + BEST + BETWEEN
    assert dots.shown[0].epsilon == 2.99
    assert dots.shown[0].y < dots.shown[-1].y
    assert draw_dots(None) is None
