"""How the site answers when a database is as full as the 2023 contest's, and a hundred times that.

python -m bench.bench_load [--teams 1121] [--submissions 1923] [--times 1 10 100] [--requests 30]
    [--clock wall|processor]

One process, no network: the application is called directly, so the figures are its own work, p50 / p95 in milliseconds,
of wall or, on a machine that others use too, of processor time. Prints Markdown.
"""

import argparse
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import structlog
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from api.leaderboard import service, walks
from api.main import create_app
from api.pages.charts import surveys
from api.security import hash_token
from core import jobs
from core.db.base import new_id, utc_now
from core.db.migrate import upgrade_database
from core.db.models.accounts import ApiToken, User
from core.db.models.contests import Team, TeamMember
from core.db.models.submissions import Evaluation, Scorecard, Submission
from core.db.queries import boards, competitions
from core.db.session import get_engine, transaction
from core.domain.history import Cause
from core.settings import Settings
from tests import factories

SLUG = "digits"
TOKEN = "lct_bench"  # noqa: S105
BATCH = 2_000
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}  # all threads of the process
COLUMNS = (
    "board, 200 lines",
    "board, 2,000 lines",
    "board, just changed",
    "board, 304",
    "page",
    "page, just changed",
    "own submissions",
    "submit",
)


class NoBroker:
    """Takes what would be sent to workers."""

    def send_task(self, *_: object, **__: object) -> None: ...


def fill(engine: Engine, teams: int, submissions: int, examples: int) -> None:
    """Write a competition with scored entries in bulk; scores and cards differ from entry to entry."""
    rng = np.random.default_rng(0)
    now = utc_now()
    with transaction(engine) as session:
        competition = factories.make_competition(session, SLUG, daily_limit=10**6, concurrent_limit=10**6)
        spec_id, competition_id = competition.spec_id, competition.id
        users = [{"id": new_id(), "name": f"user{k}", "password_hash": "!"} for k in range(teams)]
        made = [
            {"id": new_id(), "competition_id": competition_id, "name": user["name"], "folded_name": user["name"],
             "leader_id": user["id"]}
            for user in users
        ]  # fmt: skip
        members = [
            {"id": new_id(), "team_id": team["id"], "competition_id": competition_id, "user_id": team["leader_id"]}
            for team in made
        ]
        for table, rows in ((User, users), (Team, made), (TeamMember, members)):
            session.execute(insert(table), rows)
        expires_at = now + timedelta(hours=1)
        session.add(ApiToken(user_id=users[0]["id"], secret_sha256=hash_token(TOKEN), expires_at=expires_at))
    for start in range(0, submissions, BATCH):
        with transaction(engine) as session:
            rows: dict[type, list[dict[str, object]]] = {Submission: [], Evaluation: [], Scorecard: []}
            for k in range(start, min(start + BATCH, submissions)):
                at = now - timedelta(seconds=submissions - k)
                score = float(rng.beta(1, 8))
                submission, evaluation, team = new_id(), new_id(), made[k % teams]
                rows[Submission].append(
                    {"id": submission, "competition_id": competition_id, "user_id": team["leader_id"],
                     "team_id": team["id"], "filename": "submission.py", "source_digest": "d" * 64, "created_at": at}
                )  # fmt: skip
                rows[Evaluation].append(
                    {"id": evaluation, "submission_id": submission, "spec_id": spec_id, "status": "finished",
                     "verdict": "scored", "replicas_total": 256, "score": score, "score_low": max(score - 0.03, 0.0),
                     "score_high": score + 0.03, "score_error": 0.015, "relative_runtime": 0.07,
                     "score_draws": rng.normal(score, 0.015, 32).tolist(), "created_at": at, "finished_at": at}
                )  # fmt: skip
                body = factories.make_scorecard_body(min(score, 1.0))
                for name in ("per_example", "lower"):
                    body["epsilon"][name] = [1.0] * examples
                rows[Scorecard].append(
                    {"evaluation_id": evaluation, "body": body, "epsilon_svg": factories.SVG,
                     "confidence_svg": factories.SVG, "created_at": at}
                )  # fmt: skip
            for table, values in rows.items():
                session.execute(insert(table), values)


def measure(work: Callable[[], object], requests: int, clock: Callable[[], float]) -> str:
    work()
    took = []
    for _ in range(requests):
        begin = clock()
        work()
        took.append(1000 * (clock() - begin))
    return f"{statistics.median(took):.0f} / {np.quantile(took, 0.95):.0f}"


def run(teams: int, submissions: int, args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_folder=Path(folder))
        upgrade_database(settings.resolved_database_url)
        engine = get_engine(settings.resolved_database_url)
        begin = time.perf_counter()
        fill(engine, teams, submissions, args.examples)
        with transaction(engine) as session:
            for row in competitions.fetch_competitions(session):
                boards.refresh(session, row.id, row.spec_id, Cause.REJUDGED)
        filled = time.perf_counter() - begin
        client = TestClient(create_app(settings), headers={"Authorization": f"Bearer {TOKEN}"})
        cells = [measure(work, args.requests, CLOCKS[args.clock]) for work in list_requests(client)]
        print(f"| {teams:,} | {submissions:,} | {filled:.0f} s | " + " | ".join(cells) + " |", flush=True)


def list_requests(client: TestClient) -> list[Callable[[], object]]:
    """One for each of COLUMNS."""
    page = f"/competitions/{SLUG}"
    board = f"/api/v1{page}/leaderboard"
    tag = client.get(board).headers["etag"]

    def get(path: str, **headers: str) -> Callable[[], object]:
        def ask() -> None:
            answer = client.get(path, headers=headers)
            assert answer.status_code in (200, 304), answer.text

        return ask

    def get_anew(path: str) -> Callable[[], object]:
        def ask() -> None:
            for kept in (walks, surveys, service):
                kept.forget()
            get(path)()

        return ask

    def submit() -> None:
        answer = client.post(f"/api/v1/competitions/{SLUG}/submissions", files={"file": ("a.py", factories.SOURCE)})
        assert answer.status_code == 202, answer.text

    return [
        get(board),
        get(f"{board}?limit=2000"),
        get_anew(board),
        get(board, **{"If-None-Match": tag}),
        get(page),
        get_anew(page),
        get("/api/v1/submissions"),
        submit,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--teams", type=int, default=1121)
    parser.add_argument("--submissions", type=int, default=1923)
    parser.add_argument("--examples", type=int, default=128)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    jobs.celery_app = NoBroker()
    print("| teams | submissions | filled in | " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * (3 + len(COLUMNS)))
    for factor in args.times:
        run(args.teams * factor, args.submissions * factor, args)


if __name__ == "__main__":
    main()
