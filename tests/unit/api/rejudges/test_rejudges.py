"""A rejudge shows nowhere until it is promoted, and then to everybody, with its reason."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from core.db.models.contests import Competition
from core.db.models.notifications import Delivery, Webhook
from core.db.models.operations import Outbox
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import evaluations
from core.db.session import reading, transaction
from core.domain.notifications import Event
from core.domain.submission import Status, Verdict
from core.jobs import BACKGROUND
from tests import factories
from tests.hidden_problems import make_hidden_values
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Broker, Login

SLUG = "digits-r"
UNTIL_NOW = re.compile(r'<path class="best" [^>]*>|<circle [^>]*>')  # the chart ends at the clock's time
WHY = "the retain set held twelve examples twice"


@pytest.fixture
def organizer(login: Callable[..., Login]) -> dict[str, str]:
    return login("olga", "organizer").headers


@pytest.fixture
def ann(login: Callable[..., Login]) -> Login:
    return login("ann")


@pytest.fixture
def competition(engine: Engine) -> Competition:
    with transaction(engine) as session:
        return factories.make_competition(session, SLUG)


@pytest.fixture
def entries(engine: Engine, competition: Competition, ann: Login) -> dict[str, Submission]:
    """ann leads bob; eve's ended by our fault."""
    with transaction(engine) as session:
        bob, eve = (factories.make_user(session, name) for name in ("bob", "eve"))
        made = {
            "ann": factories.make_scored(session, competition, ann.user, 0.6),
            "bob": factories.make_scored(session, competition, bob, 0.4),
            "eve": factories.make_submission(session, competition, eve),
        }
        factories.make_evaluation(session, made["eve"], verdict="platform_error")
        for name in ("ann", "bob"):
            row = session.query(Evaluation).filter_by(submission_id=made[name].id).one()
            factories.make_replicas(session, row, 4, cpu=0.5)
        return made


def start(client: TestClient, headers: dict[str, str], **scope: Any) -> Any:
    body = {"competition": SLUG, "reason": WHY, **scope}
    return client.post("/api/v1/admin/rejudges", headers=headers, json=body)


def end(engine: Engine, rejudge_id: str, results: dict[str, float | Verdict]) -> None:
    """End what a rejudge runs, by submission: with a score, or with another verdict."""
    with transaction(engine) as session:
        for row in session.query(Evaluation).filter_by(rejudge_id=rejudge_id):
            result = results[row.submission_id]
            row.status = Status.SCORING.value
            verdict = result if isinstance(result, Verdict) else Verdict.SCORED
            if not isinstance(result, Verdict):
                body = make_scorecard_body(result)
                row.score, row.score_error, row.relative_runtime = result, 0.015, 0.05
                row.score_low, row.score_high = body["score"]["low"], body["score"]["high"]
                factories.make_scorecard(session, row, body)
            evaluations.move(session, row, Status.FINISHED, verdict=verdict)


def decide(client: TestClient, headers: dict[str, str], rejudge_id: str, deed: str) -> Any:
    return client.post(f"/api/v1/admin/rejudges/{rejudge_id}/{deed}", headers=headers, json={"reason": "compared"})


def look_around(client: TestClient, entries: dict[str, Submission], headers: dict[str, str]) -> list[str]:
    """All that a participant can read of a competition."""
    paths = [f"/api/v1/competitions/{SLUG}{part}" for part in ("", "/leaderboard", "/limits")]
    paths += [
        f"/api/v1/submissions/{row.id}{part}" for row in entries.values() for part in ("", "/scorecard", "/events")
    ]
    paths += ["/api/v1/submissions", "/", f"/competitions/{SLUG}", f"/submissions/{entries['ann'].id}"]
    paths.append(f"/competitions/{SLUG}/compare?a={entries['ann'].id}&b={entries['bob'].id}")
    named = headers | {"X-Request-ID": "the-same-every-time"}  # errors repeat it
    return [UNTIL_NOW.sub("", client.get(path, headers=named).text) for path in paths]


def list_board(client: TestClient) -> list[tuple[str, float]]:
    board = client.get(f"/api/v1/competitions/{SLUG}/leaderboard").json()
    return [(entry["name"], entry["score"]) for entry in board["entries"]]


def test_a_dry_run_says_how_many_at_what_cost_and_whose_and_starts_nothing(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    answer = client.post("/api/v1/admin/rejudges/preview", headers=organizer, json={"competition": SLUG}).json()
    assert (answer["evaluations"], answer["replicas"], answer["cpu_seconds"]) == (3, 768, 768 * 0.5)
    assert answer["verdicts"] == {"scored": 2, "platform_error": 1}
    assert answer["teams"] == [{"team": name, "submissions": 1} for name in ("ann", "bob", "eve")]
    with reading(engine) as session:
        assert session.query(Evaluation).count() == 3
    assert client.get("/api/v1/admin/rejudges", headers=organizer).json()["items"] == []


@pytest.mark.parametrize(
    ("verdicts", "named", "names"),
    [(["platform_error"], [], ["eve"]), ([], ["ann", "eve"], ["ann", "eve"]), (["scored"], ["ann", "eve"], ["ann"])],
)
def test_the_scope_narrows_to_verdicts_and_submissions(
    client: TestClient,
    organizer: dict[str, str],
    entries: dict[str, Submission],
    verdicts: list[str],
    named: list[str],
    names: list[str],
) -> None:
    scope = {"competition": SLUG, "verdicts": verdicts, "submissions": [entries[name].id for name in named]}
    answer = client.post("/api/v1/admin/rejudges/preview", headers=organizer, json=scope).json()
    assert [item["team"] for item in answer["teams"]] == names


def test_withdrawn_unfinished_and_our_own_runs_are_never_rejudged(
    client: TestClient, engine: Engine, organizer: dict[str, str], competition: Competition, ann: Login
) -> None:
    with transaction(engine) as session:
        for purpose, verdict in (("ranked", "withdrawn"), ("ranked", None), ("calibration", "scored")):
            submission = factories.make_submission(session, competition, ann.user, purpose=purpose)
            factories.make_evaluation(session, submission, verdict=verdict)
    answer = client.post("/api/v1/admin/rejudges/preview", headers=organizer, json={"competition": SLUG}).json()
    assert answer["evaluations"] == 0
    assert start(client, organizer).status_code == 409


def test_a_submission_of_another_competition_is_not_found(
    client: TestClient, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    answer = start(client, organizer, submissions=["none", entries["ann"].id])
    assert answer.status_code == 404
    assert "none" in answer.json()["detail"]


def test_starting_queues_everything_behind_everybody_else_and_waits_for_no_broker(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission], broker: Broker
) -> None:
    answer = start(client, organizer)
    assert (answer.status_code, answer.json()["evaluations"], answer.json()["finished"]) == (201, 3, 0)
    assert answer.headers["location"] == f"/api/v1/admin/rejudges/{answer.json()['id']}"
    assert broker.sent == []
    with reading(engine) as session:
        assert [row.priority for row in session.query(Outbox)] == [BACKGROUND] * 3
    assert start(client, organizer).status_code == 409  # one at a time


@pytest.mark.parametrize("exposure", ["practice", "private"])
def test_nothing_of_a_rejudge_shows_before_its_promotion(
    client: TestClient,
    engine: Engine,
    organizer: dict[str, str],
    entries: dict[str, Submission],
    ann: Login,
    exposure: str,
) -> None:
    if exposure == "private":
        hide(engine)
    before = look_around(client, entries, ann.headers)
    rejudge_id = start(client, organizer).json()["id"]
    assert look_around(client, entries, ann.headers) == before
    end(engine, rejudge_id, {entries["ann"].id: 0.1, entries["bob"].id: 0.9, entries["eve"].id: 0.95})
    assert look_around(client, entries, ann.headers) == before
    assert decide(client, organizer, rejudge_id, "discard").json()["state"] == "discarded"
    assert look_around(client, entries, ann.headers) == before


def hide(engine: Engine) -> None:
    with transaction(engine) as session:
        row = session.query(Competition).filter_by(slug=SLUG).one()
        spec = session.get_one(factories.EvaluationSpec, row.spec_id)
        spec.body = {**spec.body, "problem": make_hidden_values(spec.body["problem"])}


def test_what_a_rejudge_runs_and_what_fails_in_it_leaves_quotas_alone(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission], ann: Login
) -> None:
    rejudge_id = start(client, organizer, submissions=[entries["ann"].id]).json()["id"]
    limits = client.get(f"/api/v1/competitions/{SLUG}/limits", headers=ann.headers).json()
    assert (limits["used"], limits["running"]) == (1, 0)
    end(engine, rejudge_id, {entries["ann"].id: Verdict.PLATFORM_ERROR})
    assert client.get(f"/api/v1/competitions/{SLUG}/limits", headers=ann.headers).json()["used"] == 1


def test_the_two_boards_are_compared_before_anything_counts(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    rejudge_id = start(client, organizer).json()["id"]
    end(
        engine, rejudge_id, {entries["ann"].id: 0.58, entries["bob"].id: 0.9, entries["eve"].id: Verdict.PLATFORM_ERROR}
    )
    answer = client.get(f"/api/v1/admin/rejudges/{rejudge_id}/comparison", headers=organizer).json()
    moves = [(row["name"], row["old"]["rank"], row["new"]["rank"], row["overlaps"]) for row in answer["ranking"]]
    assert moves == [("bob", 2, 1, False), ("ann", 1, 2, True)]
    assert [row["climbed"] for row in answer["ranking"]] == [1, -1]
    changes = {
        row["name"]: (row["old"]["score"], row["new"]["score"], row["replaces"]) for row in answer["evaluations"]
    }
    assert changes == {"ann": (0.6, 0.58, True), "bob": (0.4, 0.9, True), "eve": (None, None, False)}


def test_promoted_the_new_results_count_and_their_authors_read_why(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission], ann: Login
) -> None:
    rejudge_id = start(client, organizer).json()["id"]
    end(engine, rejudge_id, {entries["ann"].id: 0.58, entries["bob"].id: 0.9, entries["eve"].id: 0.1})
    assert decide(client, organizer, rejudge_id, "promote").json()["state"] == "promoted"
    assert list_board(client) == [("bob", 0.9), ("ann", 0.58), ("eve", 0.1)]
    seen = client.get(f"/api/v1/submissions/{entries['ann'].id}", headers=ann.headers).json()
    assert seen["score"]["estimate"] == 0.58
    assert (seen["rejudged"]["reason"], seen["rejudged"]["previous_score"]) == (WHY, 0.6)
    assert WHY in client.get(f"/submissions/{entries['ann'].id}", headers=ann.headers).text
    with reading(engine) as session:  # the old ones stay
        assert session.query(Evaluation).filter_by(submission_id=entries["ann"].id).count() == 2
    actions = [item["action"] for item in client.get("/api/v1/admin/audit", headers=organizer).json()["items"]]
    assert actions == ["rejudge.promote", "rejudge.start"]


def test_authors_whose_result_is_another_one_are_told_what_it_was_and_is(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission], ann: Login
) -> None:
    with transaction(engine) as session:
        for user_id in (ann.user.id, entries["bob"].user_id):
            events = (Event.EVALUATION_FINISHED, Event.EVALUATION_REJUDGED)
            session.add(Webhook(user_id=user_id, url="https://a.example/", events=events, secret="s"))
    rejudge_id = start(client, organizer).json()["id"]
    end(engine, rejudge_id, {entries["ann"].id: 0.58, entries["bob"].id: 0.4, entries["eve"].id: 0.1})
    with reading(engine) as session:
        assert session.query(Delivery).count() == 0
    decide(client, organizer, rejudge_id, "promote")
    with reading(engine) as session:
        [row] = session.query(Delivery).all()  # bob's is what it was
    assert (row.user_id, row.event) == (ann.user.id, "evaluation.rejudged")
    assert (row.body["old_verdict"], row.body["verdict"]) == ("scored", "scored")
    assert (row.body["old_score"], row.body["score"], row.body["reason"]) == (0.6, 0.58, WHY)
    assert row.body["submission_id"] == entries["ann"].id


def test_what_is_discarded_or_broken_off_is_told_to_nobody(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission], ann: Login
) -> None:
    with transaction(engine) as session:
        hook = {"url": "https://a.example/", "events": (Event.EVALUATION_REJUDGED,), "secret": "s"}
        session.add(Webhook(user_id=ann.user.id, **hook))
    for deed, result in (("discard", 0.1), ("promote", Verdict.PLATFORM_ERROR)):
        rejudge_id = start(client, organizer, submissions=[entries["ann"].id]).json()["id"]
        end(engine, rejudge_id, {entries["ann"].id: result})
        assert decide(client, organizer, rejudge_id, deed).status_code == 200
    with reading(engine) as session:
        assert session.query(Delivery).count() == 0


def test_a_paused_rejudge_is_still_the_only_one_and_goes_on_when_resumed(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    rejudge_id = start(client, organizer).json()["id"]
    with transaction(engine) as session:
        session.query(Outbox).delete()  # sent, and dropped by workers
        running = session.query(Evaluation).filter_by(rejudge_id=rejudge_id).first()
        assert running is not None
        running.status = Status.CANARY.value
    assert decide(client, organizer, rejudge_id, "resume").status_code == 409
    assert decide(client, organizer, rejudge_id, "pause").json()["state"] == "paused"
    assert decide(client, organizer, rejudge_id, "pause").status_code == 409
    assert start(client, organizer).status_code == 409
    assert decide(client, organizer, rejudge_id, "promote").status_code == 409  # it has not ended
    assert decide(client, organizer, rejudge_id, "resume").json()["state"] == "running"
    with reading(engine) as session:
        assert [row.priority for row in session.query(Outbox)] == [BACKGROUND] * 2  # the other runs
    decide(client, organizer, rejudge_id, "pause")
    assert decide(client, organizer, rejudge_id, "discard").json()["state"] == "discarded"
    assert decide(client, organizer, rejudge_id, "pause").status_code == 409
    actions = [item["action"] for item in client.get("/api/v1/admin/audit", headers=organizer).json()["items"]]
    assert actions == [f"rejudge.{deed}" for deed in ("discard", "pause", "resume", "pause", "start")]


def test_an_organizer_pauses_and_resumes_on_the_page(
    client: TestClient, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    client.headers.update(organizer | {"Accept": "text/html"})
    page = f"/competitions/{SLUG}/rejudges/{start(client, organizer).json()['id']}"
    assert "Pause</button>" in client.get(page).text
    paused = client.post(page, data={"deed": "pause", "reason": "the last hour"}).text
    assert "Resume</button>" in paused
    assert "the others wait until the rejudge is resumed" in paused
    assert "Pause</button>" in client.post(page, data={"deed": "resume", "reason": "it is over"}).text


def test_a_run_that_we_broke_off_never_replaces_a_result(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    rejudge_id = start(client, organizer).json()["id"]
    end(engine, rejudge_id, {entries["ann"].id: Verdict.PLATFORM_ERROR, entries["bob"].id: 0.5, entries["eve"].id: 0.1})
    decide(client, organizer, rejudge_id, "promote")
    assert list_board(client)[0] == ("ann", 0.6)


def test_what_has_not_ended_cannot_be_promoted_and_what_is_decided_stays_so(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    rejudge_id = start(client, organizer).json()["id"]
    refused = decide(client, organizer, rejudge_id, "promote")
    assert refused.status_code == 409
    assert "3 of its 3" in refused.json()["detail"]
    assert decide(client, organizer, rejudge_id, "discard").status_code == 200
    with reading(engine) as session:
        verdicts = {row.verdict for row in session.query(Evaluation).filter_by(rejudge_id=rejudge_id)}
    assert verdicts == {"withdrawn"}
    assert decide(client, organizer, rejudge_id, "promote").status_code == 409
    assert start(client, organizer).status_code == 201  # and the way is free for another


def test_the_results_of_an_older_spec_are_brought_to_the_present_one(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    with transaction(engine) as session:
        replace_spec(session)
    assert list_board(client) == []
    rejudge_id = start(client, organizer).json()["id"]
    end(engine, rejudge_id, {entries["ann"].id: 0.3, entries["bob"].id: 0.5, entries["eve"].id: 0.1})
    decide(client, organizer, rejudge_id, "promote")
    assert [name for name, _ in list_board(client)] == ["bob", "ann", "eve"]


def replace_spec(session: Session) -> None:
    other = factories.make_competition(session)
    session.execute(update(Competition).where(Competition.slug == SLUG).values(spec_id=other.spec_id))


def test_a_competition_in_preparation_is_not_rejudged(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    with transaction(engine) as session:
        session.execute(update(Competition).where(Competition.slug == SLUG).values(state="preparing"))
    assert start(client, organizer).status_code == 409


def test_an_organizer_plans_starts_compares_and_promotes_on_the_pages(
    client: TestClient, engine: Engine, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    client.headers.update(organizer | {"Accept": "text/html"})
    page = f"/competitions/{SLUG}/rejudges"
    assert f'href="{page}"' in client.get(f"/competitions/{SLUG}/organize").text
    plan = client.get(page, params={"plan": "true", "verdicts": ["scored"]}).text
    assert "teams affected" in plan
    assert client.post(page, data={"verdicts": ["scored"], "reason": ""}).status_code == 422
    started = client.post(page, data={"verdicts": ["scored"], "reason": WHY})
    assert "0 of 2 evaluations ended" in started.text
    one = str(started.url)
    end(engine, one.rsplit("/", 1)[1], {entries["ann"].id: 0.1, entries["bob"].id: 0.9})
    assert "+1" in client.get(one).text
    assert "promoted" in client.post(one, data={"deed": "promote", "reason": "it is right now"}).text
    assert client.post(one, data={"deed": "discard", "reason": "too late"}).status_code == 409
    assert client.get(f"/competitions/other/rejudges/{one.rsplit('/', 1)[1]}").status_code == 404


def test_a_scope_that_does_not_exist_is_refused_on_the_page(
    client: TestClient, organizer: dict[str, str], entries: dict[str, Submission]
) -> None:
    client.headers.update(organizer | {"Accept": "text/html"})
    answer = client.get(f"/competitions/{SLUG}/rejudges", params={"plan": "true", "submissions": "none"})
    assert answer.status_code == 404
    assert "Not submissions of" in answer.text
