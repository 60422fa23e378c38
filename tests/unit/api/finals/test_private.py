import json
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Pool
from core.db.models.submissions import Evaluation
from core.db.session import reading, transaction
from tests.unit.api.finals.conftest import ADMIN, API, SECRET, Contest, run_to_publishing

HTML = {"Accept": "text/html"}


def count_private(contest: Contest) -> int:
    with reading(contest.engine) as session:
        query = select(func.count()).select_from(Evaluation).where(Evaluation.phase == "private")
        return session.scalars(query).one()


def read_private(contest: Contest) -> dict[str, Any]:
    body: dict[str, Any] = contest.client.get(f"{ADMIN}/private", headers=contest.olga.headers).json()
    return body


def test_only_finalists_are_scored_and_once(contest: Contest) -> None:
    contest.select("poor")
    contest.close()
    assert contest.start() == 200
    view = read_private(contest)
    assert (view["state"], view["unfinished"]) == ("scoring", 2)
    assert {each["filename"]: each["status"] for each in view["finalists"]} == {
        "poor.py": "queued",
        "only.py": "queued",
    }
    assert contest.start() == 409
    assert count_private(contest) == 2


def test_what_failed_on_our_side_is_started_again(contest: Contest) -> None:
    run_to_publishing(contest)
    contest.score_privately("only", 0.1, verdict="platform_error")
    assert contest.publish() == 409
    assert contest.start() == 200
    assert read_private(contest)["unfinished"] == 1


@pytest.mark.parametrize("state", ["preparing", "published"])
def test_a_phase_that_is_not_ready_does_not_start(contest: Contest, state: str) -> None:
    contest.close()
    with transaction(contest.engine) as session:
        session.get_one(Phase, contest.phase.id).state = state
    assert contest.start() == 409
    assert count_private(contest) == 0


def test_a_private_phase_is_not_scored_against_retired_pools(contest: Contest) -> None:
    contest.close()
    with transaction(contest.engine) as session:
        problem_id = session.get_one(EvaluationSpec, contest.phase.spec_id).problem_id
        session.add(Pool(problem_id=problem_id, kind="original", size=1, state="retired"))
    assert contest.start() == 409
    assert (count_private(contest), read_private(contest)["state"]) == (0, "ready")


def test_private_scoring_waits_for_the_end_and_for_what_still_runs(contest: Contest) -> None:
    assert contest.start() == 409
    contest.close()
    with transaction(contest.engine) as session:
        rows = update(Evaluation).where(Evaluation.submission_id == contest.entries["fair"].id)
        session.execute(rows.values(status="running", verdict=None))
    assert contest.start() == 409
    assert count_private(contest) == 0


def test_once_it_runs_the_competition_never_opens_again(contest: Contest) -> None:
    contest.close()
    contest.start()
    assert contest.move("open") == 409
    change = {"closes_at": None, "selection_limit": 3, "reason": "a test"}
    assert contest.client.patch(ADMIN, json=change, headers=contest.olga.headers).status_code == 409


def test_a_competition_without_a_private_phase_says_so(contest: Contest) -> None:
    with transaction(contest.engine) as session:
        session.delete(session.get_one(Phase, contest.phase.id))
    assert contest.client.get(f"{ADMIN}/private", headers=contest.olga.headers).status_code == 404
    assert [item["kind"] for item in contest.client.get(f"{API}/phases").json()["items"]] == ["public"]


def list_reads(contest: Contest) -> list[str]:
    """Every address that could show a finalist, its competition or its board."""
    submission = f"/api/v1/submissions/{contest.entries['poor'].id}"
    return [
        *(f"{API}{path}" for path in ("", "/leaderboard", "/phases", "/selection", "/limits", "/team")),
        *(f"{API}{path}" for path in ("/final", "/final.csv", "/final/changes", "/leaderboard/changes")),
        *(f"{API}{path}" for path in ("/limits/ledger", "/announcements.atom")),
        "/competitions/digits/ledger",
        *(f"{submission}{path}" for path in ("", "/events", "/scorecard", "/report")),
        f"{API}/compare?a={contest.entries['poor'].id}&b={contest.entries['good'].id}",
        f"/competitions/digits/compare?a={contest.entries['poor'].id}&b={contest.entries['good'].id}",
        *("/competitions/digits/compare", "/runtime", "/api/v1/runtime", "/api/v1/me/deliveries"),
        "/api/v1/submissions",
        "/api/v1/competitions",
        *("/", "/submissions", "/competitions/digits", f"/submissions/{contest.entries['poor'].id}"),
        *("/competitions/digits/selection", "/competitions/digits/final"),
    ]


@pytest.mark.parametrize("who", ["anonymous", "stranger", "author"])
def test_no_address_tells_a_private_score_before_it_is_published(contest: Contest, who: str) -> None:
    run_to_publishing(contest)
    headers = {"anonymous": {}, "stranger": contest.bob.headers, "author": contest.ann.headers}[who]
    with reading(contest.engine) as session:
        phase = session.get_one(Phase, contest.phase.id)
        ids = list(session.scalars(select(Evaluation.id).where(Evaluation.phase == "private")))
    secrets = ["0.123", "0.654", "0.1235", phase.spec_id, *ids]
    for path in list_reads(contest):
        for accept in ({"Accept": "text/html"}, {"Accept": "application/json"}, {"Accept": "text/csv"}):
            text = contest.client.get(path, headers=headers | accept).text
            assert [secret for secret in secrets if secret in text] == [], path


def test_the_events_of_a_submission_are_those_of_its_public_evaluation(contest: Contest) -> None:
    run_to_publishing(contest)
    path = f"/api/v1/submissions/{contest.entries['poor'].id}/events"
    text = contest.client.get(path, headers=contest.ann.headers).text
    assert text.count("event: status") == 2
    assert json.loads(text.split("event: end\ndata: ")[1].split("\n")[0]) == {"verdict": "scored"}


def test_organizers_see_a_preview_and_publishing_makes_it_everybodys(contest: Contest) -> None:
    run_to_publishing(contest)
    path = f"{API}/final"
    statuses = [contest.client.get(path, headers=who.headers).status_code for who in (contest.ann, contest.olga)]
    assert statuses == [404, 200]
    assert contest.publish() == 200
    entries = contest.client.get(path).json()["entries"]
    assert [(entry["rank"], entry["name"], entry["score"]) for entry in entries] == [
        (1, "bob", 0.654321),
        (2, "ann", SECRET),
    ]
    public = contest.client.get(f"{API}/leaderboard?phase=public").json()["entries"]
    assert [entry["score"] for entry in public] == [0.7, 0.5]
    assert contest.publish() == 409
    assert contest.client.get(f"{API}/phases").json()["items"][1]["state"] == "published"


def test_starting_and_publishing_are_recorded(contest: Contest) -> None:
    contest.close()
    contest.start()
    with transaction(contest.engine) as session:
        ran = update(Evaluation).where(Evaluation.phase == "private")
        session.execute(ran.values(status="finished", verdict="scored", score=0.5))
    contest.publish()
    items = contest.client.get("/api/v1/admin/audit", headers=contest.olga.headers).json()["items"]
    assert [item["action"] for item in items[:2]] == ["private.publish", "private.start"]
    assert len(items[1]["detail"]["submissions"]) == 3
    assert sorted(filter(None, items[0]["detail"]["ranks"].values())) == [1, 2]


def test_publishing_waits_for_the_last_finalist(contest: Contest) -> None:
    assert contest.publish() == 409
    contest.close()
    contest.start()
    assert contest.publish() == 409


def test_the_pages_start_preview_and_publish(contest: Contest) -> None:
    page, headers = "/competitions/digits/organize/private", contest.olga.headers | HTML
    assert "nobody has read the request" in contest.client.get(page, headers=headers).text
    answer = contest.client.post(f"{page}/start", data={"reason": "the end"}, headers=headers)
    assert (answer.status_code, "has not ended" in answer.text) == (409, True)
    run_to_publishing(contest)
    final = "/competitions/digits/final"
    assert "A preview for organizers" in contest.client.get(final, headers=headers).text
    assert contest.client.post(f"{page}/publish", data={"reason": ""}, headers=headers).status_code == 422
    assert "Published" in contest.client.post(f"{page}/publish", data={"reason": "the end"}, headers=headers).text
    assert "0.654" in contest.client.get(final, headers=HTML).text
    assert "Final leaderboard" in contest.client.get("/competitions/digits", headers=HTML).text


def test_the_quota_does_not_count_private_evaluations(contest: Contest) -> None:
    contest.close()
    contest.start()
    limits = contest.client.get(f"{API}/limits", headers=contest.ann.headers).json()
    assert (limits["used"], limits["running"]) == (3, 0)
    with reading(contest.engine) as session:
        assert session.get_one(Competition, contest.competition.id).state == "closed"
