"""The rows of a large competition for bench_load: teams of one and their scored entries."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.security import hash_token
from core.db.base import new_id, utc_now
from core.db.models.accounts import ApiToken, User
from core.db.models.contests import Competition, Team, TeamMember
from core.db.models.problems import EvaluationSpec, Problem
from core.db.models.submissions import Evaluation, Scorecard, Submission
from core.db.session import transaction
from core.domain.competition import CompetitionState
from core.domain.submission import Status, Verdict
from core.problem_files import find_problem
from core.registration import register_competition
from core.scorecard import ScorecardRecord, dump_scorecard, parse_scorecard

SLUG = "digits"
TOKEN = "lct_bench"  # noqa: S105
BATCH = 2_000
CARD = Path(__file__).with_name("scorecard.json")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 230"><rect width="90" height="150"/></svg>'


def fill(engine: Engine, teams: int, submissions: int, examples: int) -> None:
    """Write a competition with scored entries in bulk; scores and cards differ from entry to entry."""
    rng = np.random.default_rng(0)
    now = utc_now()
    with transaction(engine) as session:
        competition = add_competition(session)
        made = add_teams(session, competition, teams)
        expires_at = now + timedelta(hours=1)
        session.add(ApiToken(user_id=made[0].leader_id, secret_sha256=hash_token(TOKEN), expires_at=expires_at))
    for start in range(0, submissions, BATCH):
        entries = []
        for k in range(start, min(start + BATCH, submissions)):
            draws = rng.normal(rng.beta(1, 8), 0.015, 32).tolist()
            at = now - timedelta(seconds=submissions - k)
            entries.append(make_entry(made[k % teams], competition.spec_id, draws=draws, at=at, examples=examples))
        with transaction(engine) as session:
            for rows in zip(*entries, strict=True):  # of one table each
                session.add_all(rows)
                session.flush()


def add_competition(session: Session) -> Competition:
    """Open for everything, with a forget request that nobody trained for."""
    competition = register_competition(session, find_problem(SLUG))
    competition.state = CompetitionState.OPEN
    competition.daily_limit = competition.concurrent_limit = 10**6
    problem = session.get_one(Problem, session.get_one(EvaluationSpec, competition.spec_id).problem_id)
    problem.manifest = {"kind": "random", "count": 128, "digest": "c" * 64}
    return competition


def add_teams(session: Session, competition: Competition, count: int) -> list[Team]:
    users = [User(id=new_id(), name=f"user{k}", password_hash="!") for k in range(count)]  # noqa: S106
    session.add_all(users)
    session.flush()
    place = {"competition_id": competition.id}
    teams = [Team(id=new_id(), name=each.name, folded_name=each.name, leader_id=each.id, **place) for each in users]
    session.add_all(teams)
    session.add_all(TeamMember(team_id=each.id, user_id=each.leader_id, **place) for each in teams)
    return teams


def make_entry(
    team: Team, spec_id: str, *, draws: list[float], at: datetime, examples: int
) -> tuple[Submission, Evaluation, Scorecard]:
    """A submission that was scored at its acceptance."""
    score = float(np.mean(draws))
    submission = Submission(
        id=new_id(),
        competition_id=team.competition_id,
        user_id=team.leader_id,
        team_id=team.id,
        filename="submission.py",
        source_digest="d" * 64,
        created_at=at,
    )
    evaluation = Evaluation(
        id=new_id(),
        submission_id=submission.id,
        spec_id=spec_id,
        status=Status.FINISHED,
        verdict=Verdict.SCORED,
        replicas_total=256,
        score=score,
        score_low=max(score - 0.03, 0.0),
        score_high=score + 0.03,
        score_error=0.015,
        relative_runtime=0.07,
        score_draws=draws,
        created_at=at,
        finished_at=at,
    )
    body = dump_scorecard(make_card(score, examples))
    card = Scorecard(evaluation_id=evaluation.id, body=body, epsilon_svg=SVG, confidence_svg=SVG, created_at=at)
    return submission, evaluation, card


def make_card(score: float, examples: int) -> ScorecardRecord:
    """As heavy as a real one of so many forget examples."""
    card = parse_scorecard(json.loads(CARD.read_text()))
    measured = card.score.model_copy(update={"estimate": score, "low": max(score - 0.03, 0.0), "high": score + 0.03})
    heavy = {"per_example": (1.0,) * examples, "lower": (1.0,) * examples}
    return card.model_copy(update={"score": measured, "epsilon": card.epsilon.model_copy(update=heavy)})
