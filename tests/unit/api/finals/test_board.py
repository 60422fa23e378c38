"""The final board after it was published: like every board it has versions, an ETag and changes with their cause."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from core.db.base import utc_now
from core.db.models.submissions import Evaluation
from core.db.session import transaction
from tests.unit.api.finals.conftest import API, SECRET, Contest, run_to_publishing

FINAL = f"{API}/final"


def read_board(contest: Contest, **params: str) -> list[tuple[int, str]]:
    entries = contest.client.get(FINAL, params=params).json()["entries"]
    return [(entry["rank"], entry["name"]) for entry in entries]


def read_changes(contest: Contest, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = contest.client.get(f"{FINAL}/changes", headers=headers).json()["items"]
    return items


def test_who_is_disqualified_after_publishing_leaves_and_those_below_move_up(published: Contest) -> None:
    before = contest_version(published)
    assert published.moderate("only", "disqualify") == 200
    assert read_board(published) == [(1, "ann")]
    change = read_changes(published)[0]
    assert (change["cause"], change["name"], change["rank_before"], change["rank_after"]) == (
        "disqualified",
        "bob",
        1,
        None,
    )
    assert contest_version(published) == before + 1
    log = published.client.get("/api/v1/admin/audit", headers=published.olga.headers).json()["items"][0]
    assert (log["action"], log["detail"]["reason"]) == ("submission.disqualify", "copied from the starter")


def contest_version(contest: Contest) -> int:
    return int(contest.client.get(FINAL).json()["version"])


def test_who_is_reinstated_comes_back_and_both_stand_in_the_history(published: Contest) -> None:
    published.moderate("only", "disqualify")
    published.moderate("only", "reinstate")
    assert read_board(published) == [(1, "bob"), (2, "ann")]
    assert [change["cause"] for change in read_changes(published)] == ["reinstated", "disqualified", "published"]


def test_an_earlier_final_board_stays_what_it_was(published: Contest) -> None:
    at = read_changes(published)[0]["at"]
    published.moderate("only", "disqualify")
    assert read_board(published, as_of=at) == [(1, "bob"), (2, "ann")]


def test_for_all_but_staff_the_board_begins_with_its_publication(published: Contest) -> None:
    assert [change["cause"] for change in read_changes(published)] == ["published"]
    assert [change["cause"] for change in read_changes(published, published.olga.headers)] == [
        "published",
        "scored",
        "scored",
    ]
    earlier = {"as_of": (utc_now() - timedelta(hours=1)).isoformat()}
    assert published.client.get(FINAL, params=earlier).status_code == 404
    assert "was published" in published.client.get(FINAL, params=earlier).json()["detail"]
    assert published.client.get(FINAL, params=earlier, headers=published.olga.headers).json()["entries"] == []


def test_who_is_disqualified_while_the_finalists_run_never_was_on_the_published_board(contest: Contest) -> None:
    run_to_publishing(contest)
    contest.moderate("only", "disqualify")
    assert contest.publish() == 200
    assert read_board(contest) == [(1, "ann")]


def test_the_final_board_is_exported_and_asked_about_by_its_tag(published: Contest) -> None:
    answer = published.client.get(f"{FINAL}.csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="digits-final-')
    assert str(SECRET) in answer.text
    assert published.client.get(FINAL, headers={"Accept": "text/csv"}).text == answer.text
    for path in (FINAL, f"{FINAL}.csv", f"{FINAL}/changes"):
        tag = published.client.get(path).headers["ETag"]
        assert published.client.get(path, headers={"If-None-Match": tag}).status_code == 304
        published.moderate("only", "disqualify")
        assert published.client.get(path, headers={"If-None-Match": tag}).status_code == 200
        published.moderate("only", "reinstate")


@pytest.mark.parametrize("path", ["/final", "/final.csv", "/final/changes"])
def test_before_it_is_published_the_board_is_there_for_staff_alone(contest: Contest, path: str) -> None:
    run_to_publishing(contest)
    answers = [contest.client.get(f"{API}{path}", headers=who.headers) for who in (contest.ann, contest.olga)]
    assert [answer.status_code for answer in answers] == [404, 200]


def test_the_page_tells_that_and_why_the_published_board_changed(published: Contest) -> None:
    page, headers = "/competitions/digits/final", {"Accept": "text/html"}
    assert "It changed after it was published" not in published.client.get(page, headers=headers).text
    published.moderate("only", "disqualify")
    shown = published.client.get(page, headers=headers).text
    assert "It changed after it was published" in shown
    assert "bob disqualified" in shown
    at = read_changes(published)[-1]["at"]
    earlier = published.client.get(page, params={"as_of": at}, headers=headers).text
    assert "As it stood at" in earlier
    assert "0.654" in earlier


def test_a_board_whose_publishing_is_in_no_history_has_not_changed_since(published: Contest) -> None:
    with transaction(published.engine) as session:  # as those that were published before there was one
        session.execute(text("UPDATE board_changes SET cause = 'scored' WHERE cause = 'published'"))
    page = published.client.get("/competitions/digits/final", headers={"Accept": "text/html"}).text
    assert "What changed" in page
    assert "It changed after it was published" not in page


def test_the_digests_of_both_boards_are_recomputed_and_tampering_shows(published: Contest) -> None:
    path, headers = "/api/v1/admin/competitions/digits/boards", published.olga.headers
    body = published.client.get(path, headers=headers).json()
    assert [(item["kind"], item["intact"]) for item in body["items"]] == [("public", True), ("final", True)]
    assert body["items"][1]["digest"] == published.client.get(FINAL).json()["digest"]
    with transaction(published.engine) as session:
        done = text("UPDATE board_lines SET body = replace(body, '0.654321', '0.1') WHERE body LIKE '%0.654321%'")
        session.execute(done)
    body = published.client.get(path, headers=headers).json()
    assert [(item["intact"], item["broken_at"]) for item in body["items"]] == [(True, None), (False, 2)]
    page = published.client.get("/audit?boards=digits", headers=headers | {"Accept": "text/html"}).text
    assert "The final board of digits breaks at version 2" in page


def test_the_audit_page_tells_that_the_boards_hold(published: Contest) -> None:
    headers = published.olga.headers | {"Accept": "text/html"}
    assert "/audit?boards=digits" in published.client.get("/audit", headers=headers).text
    answer = published.client.get("/audit?boards=digits", headers=headers)
    assert "Every change of the boards of digits holds" in answer.text
    assert published.client.get("/audit?boards=none", headers=headers).status_code == 404


def rejudge(contest: Contest, score: float, **scope: object) -> tuple[int, str]:
    """With another result for bob's finalist; returns the status of promoting it, and its id."""
    body = {"competition": "digits", "phase": "private", **scope}
    headers = contest.olga.headers
    plan = contest.client.post("/api/v1/admin/rejudges/preview", json=body, headers=headers)
    assert plan.status_code == 200, plan.text
    started = contest.client.post("/api/v1/admin/rejudges", json=body | {"reason": "a broken disk"}, headers=headers)
    identity = str(started.json()["id"])
    assert started.json()["phase"] == "private"
    with transaction(contest.engine) as session:
        rows = session.scalars(select(Evaluation).where(Evaluation.rejudge_id == identity)).all()
        for row in rows:
            assert (row.phase, row.spec_id, row.counts) == ("private", contest.phase.spec_id, False)
            now = score if row.submission_id == contest.entries["only"].id else 0.3
            values = {"status": "finished", "verdict": "scored", "score": now, "score_low": now, "score_high": now}
            session.execute(update(Evaluation).where(Evaluation.id == row.id).values(**values))
    path = f"/api/v1/admin/rejudges/{identity}"
    moves = contest.client.get(f"{path}/comparison", headers=headers).json()["ranking"]
    assert {move["name"] for move in moves} <= {"ann", "bob"}
    return contest.client.post(f"{path}/promote", json={"reason": "compared"}, headers=headers).status_code, identity


def test_finalists_are_rejudged_after_publishing_and_the_change_names_its_cause(published: Contest) -> None:
    public = published.client.get(f"{API}/leaderboard?phase=public").json()["digest"]
    status, identity = rejudge(published, 0.01)
    assert status == 200
    assert read_board(published) == [(1, "ann"), (2, "bob")]
    assert read_changes(published)[0]["cause"] == "rejudged"
    assert published.client.get(f"{API}/leaderboard?phase=public").json()["digest"] == public
    own = published.client.get(f"/api/v1/submissions/{published.entries['only'].id}", headers=published.bob.headers)
    assert (own.json()["final"]["score"]["estimate"], own.json()["final"]["rank"]) == (0.01, 2)
    assert own.json()["score"]["estimate"] == 0.5
    log = published.client.get("/api/v1/admin/audit", headers=published.olga.headers).json()["items"]
    assert (log[0]["action"], log[0]["subject"]) == ("rejudge.promote", f"rejudge/{identity}")
    assert log[1]["detail"]["phase"] == "private"


def test_a_rejudge_of_the_public_board_leaves_the_published_one(published: Contest) -> None:
    before = published.client.get(FINAL).json()["digest"]
    body = {"competition": "digits", "submissions": [published.entries["good"].id], "reason": "a test"}
    assert published.client.post("/api/v1/admin/rejudges", json=body, headers=published.olga.headers).status_code == 201
    assert published.client.get(FINAL).json()["digest"] == before


def test_finalists_that_were_not_scored_cannot_be_rejudged(contest: Contest) -> None:
    body = {"competition": "digits", "phase": "private"}
    answer = contest.client.post("/api/v1/admin/rejudges/preview", json=body, headers=contest.olga.headers)
    assert (answer.status_code, "has scored nothing yet" in answer.json()["detail"]) == (409, True)
    body["phase"] = "practice"
    assert (
        contest.client.post("/api/v1/admin/rejudges/preview", json=body, headers=contest.olga.headers).status_code
        == 422
    )


def test_an_undecided_rejudge_of_finalists_shows_nowhere(published: Contest) -> None:
    body = {"competition": "digits", "phase": "private", "reason": "a broken disk"}
    assert published.client.post("/api/v1/admin/rejudges", json=body, headers=published.olga.headers).status_code == 201
    private = published.client.get("/api/v1/admin/competitions/digits/private", headers=published.olga.headers).json()
    assert [(each["filename"], each["verdict"]) for each in private["finalists"]] == [
        ("poor.py", "scored"),
        ("only.py", "scored"),
    ]
    assert read_board(published) == [(1, "bob"), (2, "ann")]


def test_a_finalist_that_was_scored_cannot_be_drawn_again_alone(published: Contest) -> None:
    body = {"competition": "digits", "phase": "private"}
    named = body | {"submissions": [published.entries["only"].id]}
    for scope in (named, body | {"verdicts": ["scored"]}):
        for path, more in (("/preview", {}), ("", {"reason": "a broken disk"})):
            answer = published.client.post(
                f"/api/v1/admin/rejudges{path}", json=scope | more, headers=published.olga.headers
            )
            assert (answer.status_code, "takes all of them" in answer.json()["detail"]) == (422, True)
    with transaction(published.engine) as session:
        ours = Evaluation.submission_id == published.entries["only"].id, Evaluation.phase == "private"
        session.execute(update(Evaluation).where(*ours).values(verdict="platform_error", score=None))
    plan = published.client.post("/api/v1/admin/rejudges/preview", json=named, headers=published.olga.headers)
    assert (plan.status_code, plan.json()["evaluations"]) == (200, 1)


def test_who_publishes_reads_how_often_the_finalists_were_judged_anew(contest: Contest) -> None:
    run_to_publishing(contest)
    path, headers = "/api/v1/admin/competitions/digits/private", contest.olga.headers
    assert contest.client.get(path, headers=headers).json()["rejudges"] == 0
    body = {"competition": "digits", "phase": "private", "reason": "a broken disk"}
    started = contest.client.post("/api/v1/admin/rejudges", json=body, headers=headers).json()
    contest.client.post(f"/api/v1/admin/rejudges/{started['id']}/discard", json={"reason": "no"}, headers=headers)
    assert contest.client.get(path, headers=headers).json()["rejudges"] == 1
    page = contest.client.get("/competitions/digits/organize/private", headers=headers | {"Accept": "text/html"})
    assert "evaluated again 1 time" in page.text


def test_a_finalist_stopped_with_its_data_holds_up_nobody(contest: Contest) -> None:
    run_to_publishing(contest)
    path, headers = "/api/v1/admin/competitions/digits/private", contest.olga.headers
    ours = Evaluation.submission_id == contest.entries["only"].id, Evaluation.phase == "private"
    for refunded, failed, status in ((False, 1, 409), (True, 0, 200)):
        with transaction(contest.engine) as session:
            session.execute(update(Evaluation).where(*ours).values(verdict="withdrawn", refunded=refunded, score=None))
        assert contest.client.get(path, headers=headers).json()["failed"] == failed
        answer = contest.client.post(f"{path}/publish", json={"reason": "checked"}, headers=headers)
        assert answer.status_code == status, answer.text
