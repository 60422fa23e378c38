"""What participants are told of runs on hidden data: coarse, and of what stays within noise nothing."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.submissions import Submission
from core.db.session import transaction
from core.domain.coarse import round_figure
from core.domain.competition import CompetitionState
from core.domain.faults import FaultCode
from core.domain.submission import VERDICT_OF_FAULT, Verdict
from tests import factories
from tests.unit.api.conftest import Login

RUN = {"started_at": utc_now() - timedelta(hours=1), "finished_at": utc_now()}
FULL_PRECISION = 0.43719264185


@dataclass(frozen=True)
class Contest:
    client: TestClient
    engine: Engine
    competition: Competition
    ann: Login
    olga: Login

    def add_scored(self, score: float, *, runtime: float = 0.0437, verdict: str = "scored") -> str:
        with transaction(self.engine) as session:
            competition = session.merge(self.competition)
            team = factories.find_or_make_team(session, competition, self.ann.user)
            return factories.make_scored(
                session,
                competition,
                self.ann.user,
                score,
                runtime=runtime,
                verdict=verdict,
                team_id=team.id,
                evaluation=dict(RUN),
            ).id

    def add(self, **values: Any) -> Submission:
        with transaction(self.engine) as session:
            competition = session.merge(self.competition)
            row = factories.make_submission(session, competition, self.ann.user)
            factories.make_evaluation(session, row, **(RUN | values))
            return row

    def get(self, path: str, who: Login | None = None) -> Any:
        return self.client.get(f"/api/v1{path}", headers=(who or self.ann).headers)

    def see(self, submission_id: str, who: Login | None = None) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/submissions/{submission_id}", who).json()
        return found


@pytest.fixture
def contest(client: TestClient, engine: Engine, login: Callable[..., Login]) -> Contest:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "faces", exposure="public")
    return Contest(client, engine, competition, login("ann"), login("olga", "organizer"))


def iter_floats(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, float):
        yield path, value
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from iter_floats(inner, f"{path}.{name}")


def test_every_way_to_fail_reads_alike(contest: Contest) -> None:
    codes = set(FaultCode) - {FaultCode.COMPUTE_BUDGET, FaultCode.FAILED_ON_HIDDEN_DATA}
    told, true = set(), set()
    for code in codes:
        row = contest.add(verdict=VERDICT_OF_FAULT[code], code=code, reason=f"secret of {code}")
        view = contest.see(row.id)
        told.add(tuple(view[name] for name in ("verdict", "code", "hint", "reason", "fault_of")))
        events = contest.get(f"/submissions/{row.id}/events").text
        page = contest.client.get(f"/submissions/{row.id}", headers=contest.ann.headers).text
        assert code not in events + page
        assert "secret" not in events + page
        true.add(contest.see(row.id, contest.olga)["code"])
    assert len(told) == 1
    assert {each[:2] for each in told} == {(Verdict.RUNTIME_ERROR, FaultCode.FAILED_ON_HIDDEN_DATA)}
    assert true == codes


def test_progress_comes_in_fifths_everywhere(contest: Contest) -> None:
    seen, exact = set(), set()
    for finished in (0, 1, 50, 51, 130, 200, 255):
        row = contest.add(verdict="runtime_error", code="EXCEPTION", finished=finished)
        told = contest.see(row.id)["progress"]["finished"]
        streamed = re.findall(r'"finished": ?(\d+)', contest.get(f"/submissions/{row.id}/events").text)
        assert {int(each) for each in streamed} == {told}
        seen.add(told)
        exact.add(contest.see(row.id, contest.olga)["progress"]["finished"])
    assert seen <= {0, 51, 102, 153, 204}
    assert exact == {0, 1, 50, 51, 130, 200, 255}


def test_runtimes_and_times_are_coarse(contest: Contest) -> None:
    view = contest.see(contest.add_scored(0.5, runtime=0.0437))
    assert (view["relative_runtime"], view["finished_at"][17:19], view["started_at"][17:19]) == (0.05, "00", "00")
    exact = contest.see(view["id"], contest.olga)
    assert exact["relative_runtime"] == 0.0437
    assert exact["finished_at"] != view["finished_at"]
    moves = re.findall(r'"at": ?"[^"]*T\d\d:\d\d:(\d\d)([^"]*)"', contest.get(f"/submissions/{view['id']}/events").text)
    assert {seconds for seconds, _ in moves} == {"00"}


def test_no_number_of_a_hidden_run_has_more_than_two_digits(contest: Contest) -> None:
    row = contest.add_scored(FULL_PRECISION, runtime=0.0312345)
    answers = {
        path: contest.get(path).json()
        for path in (
            f"/submissions/{row}",
            f"/submissions/{row}/scorecard",
            "/competitions/faces/leaderboard",
            "/competitions/faces/leaderboard/me",
            f"/competitions/faces/compare?a={row}&b={row}",
            "/competitions/faces/selection",
        )
    }
    free = re.compile(r"budget|points|edges|relative_runtime|level|\.metrics\.\d+\.(a|b)$")
    fine = [
        (path, place, value)
        for path, answer in answers.items()
        for place, value in iter_floats(answer)
        if round_figure(value) != value and not free.search(place)
    ]
    assert fine == []
    assert "4371" not in json.dumps(answers) + contest.client.get("/competitions/faces").text
    table = contest.client.get("/api/v1/competitions/faces/leaderboard.csv").text
    assert next(csv.DictReader(io.StringIO(table)))["score"] == "0.44"
    card = answers[f"/submissions/{row}/scorecard"]
    assert not {"metrics", "attacks", "flag_checks"} & set(card)
    exact = contest.get(f"/submissions/{row}/scorecard", contest.olga).json()
    assert exact["score"]["estimate"] == FULL_PRECISION
    assert contest.get("/competitions/faces/leaderboard", contest.olga).json()["entries"][0]["score"] == FULL_PRECISION


def test_a_score_within_noise_is_held_back_and_the_earlier_one_stays(contest: Contest) -> None:
    first, second, third = (contest.add_scored(score) for score in (0.5, 0.52, 0.6))  # half an interval is 0.03
    views = [contest.see(each) for each in (first, second, third)]
    assert [(view["held_back"], view["score"] and view["score"]["estimate"]) for view in views] == [
        (False, 0.5),
        (True, None),
        (False, 0.6),
    ]
    assert [contest.see(each, contest.olga)["score"]["estimate"] for each in (first, second, third)] == [0.5, 0.52, 0.6]
    assert contest.get(f"/submissions/{second}/scorecard").status_code == 404
    assert contest.get(f"/competitions/faces/compare?a={first}&b={second}").status_code == 404
    page = contest.client.get(f"/submissions/{second}", headers=contest.ann.headers).text
    assert "0.52" not in page
    choices = {
        each["submission_id"]: each["score"] for each in contest.get("/competitions/faces/selection").json()["items"]
    }
    assert choices == {first: 0.5, second: None, third: 0.6}


def test_who_goes_over_the_budget_reads_no_score(contest: Contest) -> None:
    row = contest.add_scored(0.7, runtime=0.2, verdict="over_budget")
    view = contest.see(row)
    assert (view["verdict"], view["score"], view["relative_runtime"]) == ("over_budget", None, 0.125)
    (line,) = contest.get("/competitions/faces/leaderboard").json()["entries"]
    assert (line["score"], line["utility"], line["relative_runtime"]) == (None, None, 0.125)
    assert (line["relative_runtime_low"], line["relative_runtime_high"]) == (0.1, 0.125)


def test_everything_is_told_after_the_end(contest: Contest) -> None:
    held = [contest.add_scored(score) for score in (0.5, 0.51234)][1]
    with transaction(contest.engine) as session:
        session.merge(contest.competition).state = CompetitionState.ARCHIVED
    assert contest.see(held)["score"]["estimate"] == 0.51234
    assert contest.get(f"/submissions/{held}/scorecard").status_code == 200


def test_open_problems_tell_everything_at_once(client: TestClient, engine: Engine, contest: Contest) -> None:
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        rows = [
            factories.make_scored(session, competition, contest.ann.user, score, runtime=0.0437).id
            for score in (0.5, 0.51234)
        ]
    views = [contest.see(each) for each in rows]
    assert [view["score"]["estimate"] for view in views] == [0.5, 0.51234]
    assert {view["relative_runtime"] for view in views} == {0.0437}
