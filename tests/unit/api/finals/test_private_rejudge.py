"""Finalists judged anew: aside until it is promoted, secret until published, and then a change that everybody sees."""

from typing import Any

from sqlalchemy import select

from core.db.models.notifications import Delivery, Webhook
from core.db.models.submissions import Evaluation
from core.db.queries import evaluations
from core.db.session import reading, transaction
from core.domain.notifications import Event
from core.domain.submission import Status, Verdict
from tests import factories
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.finals.conftest import ADMIN, API, SECRET, Contest, run_to_publishing

REJUDGES = "/api/v1/admin/rejudges"
NEW = 0.777123  # what ann's entry scores the second time
BECAUSE = {"reason": "a disk was full"}


def start(contest: Contest, **scope: Any) -> Any:
    body = {"competition": "digits", "phase": "private", **BECAUSE, **scope}
    return contest.client.post(REJUDGES, json=body, headers=contest.olga.headers)


def decide(contest: Contest, rejudge_id: str, deed: str) -> Any:
    return contest.client.post(f"{REJUDGES}/{rejudge_id}/{deed}", json=BECAUSE, headers=contest.olga.headers)


def end(contest: Contest, rejudge_id: str) -> None:
    """What the workers would do: ann's scores better now, bob's as before."""
    with transaction(contest.engine) as session:
        for row in session.scalars(select(Evaluation).where(Evaluation.rejudge_id == rejudge_id)):
            score = NEW if row.submission_id == contest.entries["poor"].id else 0.654321
            row.status, row.score, row.score_low, row.score_high = Status.SCORING.value, score, score, score
            row.relative_runtime = 0.05
            factories.make_scorecard(session, row, make_scorecard_body(score))
            evaluations.move(session, row, Status.FINISHED, verdict=Verdict.SCORED)


def listen(contest: Contest) -> None:
    """ann wants to know."""
    with transaction(contest.engine) as session:
        hook = {"url": "https://a.example/", "events": (Event.EVALUATION_REJUDGED,), "secret": "s"}
        session.add(Webhook(user_id=contest.ann.user.id, **hook))


def list_told(contest: Contest) -> list[dict[str, Any]]:
    with reading(contest.engine) as session:
        return [row.body for row in session.scalars(select(Delivery))]


def list_final(contest: Contest) -> list[tuple[str, float]]:
    entries = contest.client.get(f"{API}/final").json()["entries"]
    return [(entry["name"], entry["score"]) for entry in entries]


def look_around(contest: Contest) -> str:
    """All that ann can read of it."""
    paths = [f"{API}{part}" for part in ("", "/leaderboard", "/phases", "/final", "/final/changes")]
    paths += [f"/api/v1/submissions/{contest.entries['poor'].id}", "/competitions/digits"]
    return " ".join(contest.client.get(path, headers=contest.ann.headers).text for path in paths)


def test_it_waits_for_the_private_phase_to_have_run(contest: Contest) -> None:
    contest.select("poor")
    contest.close()
    assert start(contest).status_code == 409
    plan = contest.client.post(
        f"{REJUDGES}/preview", json={"competition": "digits", "phase": "private"}, headers=contest.olga.headers
    )
    assert plan.status_code == 409
    assert "has scored nothing yet" in plan.json()["detail"]


def test_finalists_run_again_under_the_private_spec_and_publishing_waits(contest: Contest) -> None:
    run_to_publishing(contest)
    listen(contest)
    made = start(contest).json()
    assert (made["phase"], made["evaluations"]) == ("private", 2)
    with reading(contest.engine) as session:
        rows = session.scalars(select(Evaluation).where(Evaluation.rejudge_id == made["id"])).all()
        assert {(row.phase, row.spec_id, row.counts) for row in rows} == {("private", contest.phase.spec_id, False)}
    view = contest.client.get(f"{ADMIN}/private", headers=contest.olga.headers).json()
    assert view["unfinished"] == 0  # what counts has ended
    refused = contest.client.post(f"{ADMIN}/private/publish", json=BECAUSE, headers=contest.olga.headers)
    assert (refused.status_code, "undecided" in refused.json()["detail"]) == (409, True)
    end(contest, made["id"])
    assert str(NEW) not in look_around(contest)
    ranking = contest.client.get(f"{REJUDGES}/{made['id']}/comparison", headers=contest.olga.headers).json()["ranking"]
    moves = [(move["name"], move["old"]["rank"], move["new"]["rank"]) for move in ranking]
    assert moves == [("ann", 2, 1), ("bob", 1, 2)]
    assert decide(contest, made["id"], "promote").status_code == 200
    assert list_told(contest) == []  # they know nothing of private results yet
    assert str(NEW) not in look_around(contest)
    assert contest.publish() == 200
    assert list_final(contest) == [("ann", NEW), ("bob", 0.654321)]
    assert (
        contest.client.get(f"{API}/leaderboard?phase=public").json()["entries"][0]["score"] == 0.7
    )  # the public board stands


def test_discarded_it_leaves_the_private_board_as_it_was(contest: Contest) -> None:
    run_to_publishing(contest)
    made = start(contest).json()
    assert decide(contest, made["id"], "discard").json()["state"] == "discarded"
    assert contest.publish() == 200
    assert list_final(contest) == [("bob", 0.654321), ("ann", SECRET)]


def test_after_publishing_it_is_a_change_of_the_final_board_with_its_cause_and_its_authors_are_told(
    published: Contest,
) -> None:
    listen(published)
    made = start(published).json()
    end(published, made["id"])
    assert list_final(published) == [("bob", 0.654321), ("ann", SECRET)]
    assert decide(published, made["id"], "promote").status_code == 200
    assert list_final(published) == [("ann", NEW), ("bob", 0.654321)]
    changes = published.client.get(f"{API}/final/changes").json()["items"]
    assert [change["cause"] for change in changes[:2]] == ["rejudged", "published"]
    [told] = list_told(published)
    assert (told["phase"], told["old_score"], told["score"]) == ("private", SECRET, NEW)
    assert "It changed after it was published" in published.client.get("/competitions/digits/final").text


def test_it_is_planned_and_started_on_the_page(published: Contest) -> None:
    page = "/competitions/digits/rejudges"
    headers = published.olga.headers | {"Accept": "text/html"}
    assert "the private phase: the finalists" in published.client.get(page, headers=headers).text
    plan = published.client.get(page, params={"plan": "true", "phase": "private"}, headers=headers).text
    assert '<input type="hidden" name="phase" value="private">' in plan
    started = published.client.post(page, data={"phase": "private", **BECAUSE}, headers=headers)
    assert "Scope: the private phase" in started.text
    assert "0 of 2 evaluations ended" in started.text
