"""A contest with a private phase and two teams that have scored."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from core.db.models.contests import Competition, Team
from core.db.models.lifecycle import Phase
from core.db.models.submissions import Submission
from core.db.queries.teams import make_team_of_one
from core.db.session import transaction
from tests import factories
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.api.conftest import Login

API = "/api/v1/competitions/digits"
ADMIN = "/api/v1/admin/competitions/digits"
REASON = {"reason": "the end"}
SECRET = 0.123456  # a private score: before it is published it must appear nowhere


@dataclass
class Contest:
    client: TestClient
    engine: Engine
    competition: Competition
    phase: Phase
    ann: Login
    bob: Login
    olga: Login
    teams: dict[str, Team]
    entries: dict[str, Submission]  # good, fair and poor are ann's, only is bob's

    def close(self) -> None:
        self.move("closed")

    def move(self, state: str) -> int:
        body = {"state": state, "reason": "a test"}
        return self.client.post(f"{ADMIN}/state", json=body, headers=self.olga.headers).status_code

    def select(self, *names: str, who: Login | None = None) -> int:
        body = {"submission_ids": [self.entries[name].id for name in names]}
        return self.client.put(f"{API}/selection", json=body, headers=(who or self.ann).headers).status_code

    def start(self) -> int:
        return self.client.post(f"{ADMIN}/private/start", json=REASON, headers=self.olga.headers).status_code

    def publish(self) -> int:
        return self.client.post(f"{ADMIN}/private/publish", json=REASON, headers=self.olga.headers).status_code

    def moderate(self, name: str, deed: str, reason: str = "copied from the starter") -> int:
        path = f"/api/v1/admin/submissions/{self.entries[name].id}/{deed}"
        return self.client.post(path, json={"reason": reason}, headers=self.olga.headers).status_code

    def score_privately(self, name: str, score: float, *, verdict: str = "scored") -> None:
        """What the workers would have written."""
        with transaction(self.engine) as session:
            submission = session.get_one(Submission, self.entries[name].id)
            values = {"score": score, "score_low": score, "score_high": score, "relative_runtime": 0.05}
            card = make_scorecard_body(score)
            factories.make_evaluation(
                session, submission, verdict=verdict, spec_id=self.phase.spec_id, phase="private", card=card, **values
            )


@pytest.fixture
def contest(client: TestClient, engine: Engine, login: Callable[..., Login]) -> Contest:
    ann, bob, olga = login("ann"), login("bob"), login("olga", "organizer")
    with transaction(engine) as session:
        competition = factories.make_competition(session, "digits")
        phase = factories.make_private_phase(session, competition)
        teams = {who.user.name: make_team_of_one(session, competition.id, who.user) for who in (ann, bob)}
        scores = {"good": (ann, 0.7), "fair": (ann, 0.6), "poor": (ann, 0.2), "only": (bob, 0.5)}
        entries = {
            name: factories.make_scored(
                session, competition, who.user, score, filename=f"{name}.py", team_id=teams[who.user.name].id
            )
            for name, (who, score) in scores.items()
        }
    return Contest(client, engine, competition, phase, ann, bob, olga, teams, entries)


@pytest.fixture
def published(contest: Contest) -> Contest:
    """Ended: ann's selected `poor` is second with 0.123456, bob's `only` first with 0.654321."""
    run_to_publishing(contest)
    assert contest.publish() == 200
    return contest


def run_to_publishing(contest: Contest) -> None:
    """Selected, closed, started, scored: all but published."""
    contest.select("poor")
    contest.close()
    with transaction(contest.engine) as session:
        session.get_one(Phase, contest.phase.id).state = "scoring"
    contest.score_privately("poor", SECRET)
    contest.score_privately("only", 0.654321)
