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
from pathlib import Path
from typing import Any, cast

import numpy as np
import structlog
from fastapi.testclient import TestClient

from api.leaderboard import rosters, service, walks
from api.main import create_app
from api.pages.charts import surveys
from bench.load_rows import SLUG, TOKEN, fill
from core import jobs
from core.db.migrate import upgrade_database
from core.db.queries import boards, competitions
from core.db.session import get_engine, transaction
from core.domain.history import Cause
from core.settings import Settings

SOURCE = b"def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}  # all threads of the process
COLUMNS = (
    "board, 200 lines",
    "board, 2,000 lines",
    "board, just changed",
    "board, 304",
    "page",
    "page, just changed",
    "page, sorted",
    "page, searched, just changed",
    "own submissions",
    "submit",
)


class NoBroker:
    """Takes what would be sent to workers."""

    def send_task(self, *_: object, **__: object) -> None: ...


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
    page = f"/competitions/{SLUG}/leaderboard"
    board = f"/api/v1{page}"
    tag = client.get(board).headers["etag"]

    def get(path: str, **headers: str) -> Callable[[], object]:
        def ask() -> None:
            answer = client.get(path, headers=headers)
            assert answer.status_code in (200, 304), answer.text

        return ask

    def get_anew(path: str) -> Callable[[], object]:
        def ask() -> None:
            for kept in (walks, surveys, rosters, service):
                kept.forget()
            get(path)()

        return ask

    def submit() -> None:
        answer = client.post(f"/api/v1/competitions/{SLUG}/submissions", files={"file": ("a.py", SOURCE)})
        assert answer.status_code == 202, answer.text

    return [
        get(board),
        get(f"{board}?limit=2000"),
        get_anew(board),
        get(board, **{"If-None-Match": tag}),
        get(page),
        get_anew(page),
        get(f"{page}?sort=relative_runtime&columns=all"),
        get_anew(f"{page}?q=7"),
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
    jobs.celery_app = cast(Any, NoBroker())
    print("| teams | submissions | filled in | " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * (3 + len(COLUMNS)))
    for factor in args.times:
        run(args.teams * factor, args.submissions * factor, args)


if __name__ == "__main__":
    main()
