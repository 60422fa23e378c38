"""The practice phase of a hidden competition: whole for its authors, apart from everything that counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, select, update

from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Pool
from core.db.models.submissions import Evaluation, Submission
from core.db.queries.rules import store_rules
from core.db.session import reading, transaction
from tests import factories
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login

API = "/api/v1/competitions/contest"
URL = f"{API}/submissions"
LEAK = "the first forget label is 7"
FAILED = {"verdict": "runtime_error", "code": "EXCEPTION", "reason": LEAK, "log": LEAK}


@dataclass
class Contest:
    client: TestClient
    engine: Engine
    competition: Competition
    phase: Phase
    ann: Login
    bob: Login
    olga: Login

    def submit(
        self, purpose: str = "practice", who: Login | None = None, content: bytes = factories.SOURCE
    ) -> Response:
        headers, files = (who or self.ann).headers, {"file": ("a.py", content)}
        return self.client.post(URL, headers=headers, files=files, data={"purpose": purpose})

    def get(self, path: str, who: Login | None = None) -> Response:
        return self.client.get(path, headers=who.headers if who else {})

    def limits(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"{API}/limits", self.ann).json()
        return found

    def promote(self, submission_id: str, who: Login | None = None, key: str = "") -> Response:
        headers = (who or self.ann).headers | ({"Idempotency-Key": key} if key else {})
        return self.client.post(f"/api/v1/submissions/{submission_id}/promote", headers=headers)

    def set(self, **values: Any) -> None:
        with transaction(self.engine) as session:
            session.execute(update(Competition).where(Competition.id == self.competition.id).values(**values))

    def end(self, submission_id: str, verdict: str) -> None:
        with transaction(self.engine) as session:
            values = {"status": "finished", "verdict": verdict, "refunded": verdict == "platform_error"}
            session.execute(update(Evaluation).where(Evaluation.submission_id == submission_id).values(**values))

    def practise(self, **values: Any) -> Submission:
        """One of ann's that ran."""
        with transaction(self.engine) as session:
            team_id = factories.find_or_make_team(session, self.competition, self.ann.user).id
            row, _ = factories.make_practised(session, self.competition, self.ann.user, self.phase, **values)
            row.team_id = team_id
            return row

    def compete(self, **values: Any) -> Submission:
        """One of ann's to the public phase that ran."""
        with transaction(self.engine) as session:
            team_id = factories.find_or_make_team(session, self.competition, self.ann.user).id
            row = factories.make_submission(session, self.competition, self.ann.user, team_id=team_id)
            factories.make_evaluation(session, row, **values)
            return row


@pytest.fixture
def contest(client: TestClient, engine: Engine, login: Callable[..., Login]) -> Contest:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "contest", exposure="public", daily_limit=3)
        phase = factories.make_practice_phase(session, competition)
    return Contest(client, engine, competition, phase, login("ann"), login("bob"), login("olga", "organizer"))


def test_practice_is_evaluated_under_the_open_problem_and_says_so(contest: Contest) -> None:
    body = contest.submit().json()
    assert (body["purpose"], body["phase"], body["team"], body["log"]) == ("practice", "practice", "ann", "")
    with reading(contest.engine) as session:
        row = session.scalars(select(Evaluation)).one()
    assert (row.phase, row.spec_id) == ("practice", contest.phase.spec_id)


def test_what_cannot_run_ends_in_the_same_phase_with_its_reason(contest: Contest) -> None:
    body = contest.submit(content=b"def unlearning(:").json()
    assert (body["verdict"], body["code"], body["phase"]) == ("rejected", "SYNTAX_ERROR", "practice")
    with reading(contest.engine) as session:
        assert session.scalars(select(Evaluation.spec_id)).one() == contest.phase.spec_id


def test_its_author_sees_the_whole_fault(contest: Contest) -> None:
    row = contest.practise(**FAILED)
    body = contest.get(f"/api/v1/submissions/{row.id}", contest.ann).json()
    assert (body["reason"], body["log"], body["code"]) == (LEAK, LEAK, "EXCEPTION")
    assert LEAK in contest.get(f"/submissions/{row.id}", contest.ann).text


def test_its_author_sees_single_examples_and_pictures(contest: Contest) -> None:
    card = make_scorecard_body(0.4)
    row = contest.practise(verdict="scored", score=0.4, card=card)
    body = contest.get(f"/api/v1/submissions/{row.id}/scorecard", contest.ann).json()
    assert body["epsilon"]["per_example"] == card["epsilon"]["per_example"]
    assert "a plot" in contest.get(f"/submissions/{row.id}", contest.ann).text


@pytest.mark.parametrize("path", ["/api/v1/submissions/{}", "/api/v1/submissions/{}/scorecard", "/submissions/{}"])
def test_nobody_else_knows_of_it(contest: Contest, path: str) -> None:
    row = contest.practise(verdict="scored", score=0.4, card=make_scorecard_body(0.4))
    answers = [contest.get(path.format(row.id), who).status_code for who in (None, contest.bob, contest.olga)]
    assert answers == [404, 404, 200]


@pytest.mark.parametrize("path", ["", "/events", "/scorecard", "page"])
def test_nothing_practice_shows_is_ever_shown_of_a_run_on_hidden_data(contest: Contest, path: str) -> None:
    """Even if it were stored, and beside a practice phase whose runs show all of it."""
    contest.practise(**FAILED)
    card = make_scorecard_body(0.4) | {"epsilon": make_scorecard_body()["epsilon"] | {"attack": [LEAK]}}
    row = contest.compete(**FAILED, score=0.4, card=card)
    url = f"/submissions/{row.id}" if path == "page" else f"/api/v1/submissions/{row.id}{path}"
    answer = contest.get(url, contest.ann)
    assert answer.status_code == 200
    assert LEAK not in answer.text
    assert "a plot" not in answer.text
    assert "per_example" not in answer.text


def test_a_hidden_run_stays_hidden_when_its_competition_becomes_open(contest: Contest) -> None:
    """What may be shown is said by the spec that it ran under, not by what the competition is now."""
    row = contest.compete(**FAILED)
    with transaction(contest.engine) as session:
        opened = session.get_one(EvaluationSpec, contest.phase.spec_id)
        session.get_one(Competition, contest.competition.id).spec_id = opened.id
    body = contest.get(f"/api/v1/submissions/{row.id}", contest.ann).json()
    assert (body["reason"], body["log"]) == ("", None)


def test_each_phase_has_a_quota_of_its_own(contest: Contest) -> None:
    contest.set(practice_daily_limit=2, practice_concurrent_limit=5)
    assert [contest.submit().status_code for _ in range(3)] == [202, 202, 429]
    limits = contest.limits()
    assert limits["practice"] == {"daily_limit": 2, "used": 2, "left": 0, "concurrent_limit": 5, "running": 2}
    assert (limits["used"], limits["left"], limits["running"], limits["total_used"]) == (0, 3, 0, 0)
    assert [contest.submit("ranked").status_code for _ in range(4)] == [202, 202, 202, 429]
    assert contest.limits()["practice"]["used"] == 2


def test_practice_runs_so_many_at_once_and_says_which(contest: Contest) -> None:
    contest.set(practice_concurrent_limit=1)
    assert contest.submit().status_code == 202
    answer = contest.submit()
    assert answer.status_code == 429
    assert "practice submissions are not finished" in answer.json()["detail"]


def test_what_fails_on_our_side_is_given_back_to_practice(contest: Contest) -> None:
    contest.set(practice_daily_limit=1)
    contest.end(contest.submit().json()["id"], "platform_error")
    assert contest.limits()["practice"]["left"] == 1


def test_grants_and_the_total_are_of_the_public_phase(contest: Contest) -> None:
    contest.set(practice_daily_limit=1, total_limit=1)
    assert contest.submit().status_code == 202
    grant = {"team": "ann", "amount": 5, "reason": "a test"}
    url = "/api/v1/admin/competitions/contest/grants"
    assert contest.client.post(url, json=grant, headers=contest.olga.headers).status_code == 201
    assert contest.limits()["practice"]["left"] == 0
    assert contest.limits()["total_left"] == 6


def test_the_rules_come_first_here_too(contest: Contest) -> None:
    with transaction(contest.engine) as session:
        store_rules(session, contest.competition.id, "be fair", "olga")
    assert contest.submit().json()["code"] == "RULES_NOT_ACCEPTED"


def test_practice_is_on_no_board_and_in_no_chart(contest: Contest) -> None:
    contest.practise(verdict="scored", score=0.9, card=make_scorecard_body(0.9))
    assert contest.get(f"{API}/leaderboard").json()["entries"] == []
    assert contest.get(f"{API}/leaderboard/me", contest.ann).json()["entry"] is None
    page = contest.get("/competitions/contest", contest.ann).text
    assert "Nothing was scored yet" in page
    assert 'class="chart' not in page


def test_practice_cannot_be_selected_disqualified_or_rejudged(contest: Contest) -> None:
    row = contest.practise(verdict="scored", score=0.9)
    put = {"json": {"submission_ids": [row.id]}, "headers": contest.ann.headers}
    assert contest.client.put(f"{API}/selection", **put).status_code == 404
    assert contest.get(f"{API}/selection", contest.ann).json()["items"] == []
    reason = {"json": {"reason": "a test"}, "headers": contest.olga.headers}
    assert contest.client.post(f"/api/v1/admin/submissions/{row.id}/disqualify", **reason).status_code == 409
    scope = {"json": {"competition": "contest"}, "headers": contest.olga.headers}
    assert contest.client.post("/api/v1/admin/rejudges/preview", **scope).json()["evaluations"] == 0


def test_what_practice_costs_is_told_to_organizers_by_its_name(contest: Contest) -> None:
    row = contest.practise(verdict="scored", score=0.9)
    with transaction(contest.engine) as session:
        evaluation = session.scalars(select(Evaluation).where(Evaluation.submission_id == row.id)).one()
        factories.make_replicas(session, evaluation, 3)
    items = contest.get("/api/v1/admin/costs", contest.olga).json()["items"]
    assert [(item["purpose"], item["team"]) for item in items] == [("practice", "ann")]


def test_submitting_for_real_sends_the_same_source_under_the_public_quota(contest: Contest) -> None:
    practised = contest.submit().json()
    answer = contest.promote(practised["id"])
    body = answer.json()
    assert answer.status_code == 202
    assert body["id"] != practised["id"]
    assert (body["phase"], body["purpose"], body["source_digest"]) == ("public", "ranked", practised["source_digest"])
    limits = contest.limits()
    assert (limits["used"], limits["practice"]["used"]) == (1, 1)


def test_submitting_for_real_twice_with_one_key_is_once(contest: Contest) -> None:
    practised = contest.submit().json()
    first, second = (contest.promote(practised["id"], key="once") for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"


def test_submitting_for_real_has_the_limits_of_submitting(contest: Contest) -> None:
    practised = contest.submit().json()
    contest.set(daily_limit=1)
    assert [contest.promote(practised["id"]).status_code for _ in range(2)] == [202, 429]
    contest.set(state="frozen")
    assert contest.promote(practised["id"]).status_code == 409


def test_only_its_authors_submit_it_for_real_and_only_practice(contest: Contest) -> None:
    practised = contest.submit().json()["id"]
    assert [contest.promote(practised, who).status_code for who in (contest.bob, contest.olga)] == [404, 403]
    assert contest.promote(contest.submit("ranked").json()["id"]).status_code == 409


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        ({"practice_daily_limit": 0}, "the organizers closed the practice phase"),
        ({"state": "frozen"}, "frozen"),
        ({"state": "closed"}, "closed"),
    ],
)
def test_practice_is_closed_with_its_reason(contest: Contest, bend: dict[str, Any], said: str) -> None:
    contest.set(**bend)
    answer = contest.submit()
    assert answer.status_code == 409
    assert said in answer.json()["detail"]


def test_practice_waits_for_its_pools_and_the_public_phase_does_not(contest: Contest) -> None:
    with transaction(contest.engine) as session:
        session.get_one(Phase, contest.phase.id).state = "preparing"
    answer = contest.submit()
    assert (answer.status_code, "is being prepared" in answer.json()["detail"]) == (409, True)
    assert contest.submit("ranked").status_code == 202


def test_practice_ends_with_its_pools(contest: Contest) -> None:
    with transaction(contest.engine) as session:
        problem_id = session.get_one(EvaluationSpec, contest.phase.spec_id).problem_id
        session.add(Pool(problem_id=problem_id, kind="retrained", size=16, state="retired"))
    answer = contest.submit()
    assert (answer.status_code, "its pools are retired" in answer.json()["detail"]) == (409, True)


def test_without_a_practice_phase_it_is_refused(
    client: TestClient, engine: Engine, login: Callable[..., Login]
) -> None:
    with transaction(engine) as session:
        factories.make_competition(session, "contest", exposure="public")
    ann = login("ann")
    answer = client.post(URL, headers=ann.headers, files={"file": ("a.py", b"")}, data={"purpose": "practice"})
    assert (answer.status_code, "has no practice phase" in answer.json()["detail"]) == (409, True)
    assert client.get(f"{API}/limits", headers=ann.headers).json()["practice"] is None
    assert client.get(API).json()["practice"] is None


def test_the_competition_tells_the_seeds_of_its_practice_problem_and_not_its_own(contest: Contest) -> None:
    with transaction(contest.engine) as session:
        session.get_one(Phase, contest.phase.id).fault = "no disk"
    body = contest.get(API).json()
    practice = body["practice"]
    assert (practice["state"], practice["daily_limit"], practice["concurrent_limit"]) == ("ready", 20, 2)
    assert practice["problem"]["exposure"] == "practice"
    assert ("seed" in practice["problem"]["split"], "seed" in body["problem"]["split"]) == (True, False)
    assert (practice["fault"], contest.get(API, contest.olga).json()["practice"]["fault"]) == ("", "no disk")
    phases = contest.get(f"{API}/phases").json()["items"]
    assert [(phase["kind"], phase["exposure"]) for phase in phases] == [("public", "public"), ("practice", "practice")]
