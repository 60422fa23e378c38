"""How soon the pages of a running server begin to arrive, and what each costs.

python -m bench.bench_pages http://127.0.0.1:8400 [--requests 40] [--pid PROCESS] [--paths /, /status …]

Asks for one page after the other, as a visitor and, with LACUNA_TOKEN set, as that account. Milliseconds from sending
the request to the first byte, p50 / p95; with the api's process, processor milliseconds a request, of all its threads.
Without --paths: every page that leads somewhere for the newest competition and its best entry. Prints Markdown.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import numpy as np

TICKS = os.sysconf("SC_CLK_TCK")
GENERAL = ("/", "/start", "/score", "/runtime", "/reference", "/status", "/login", "/register")
OF_A_COMPETITION = (
    "", "/data", "/leaderboard", "/leaderboard?columns=all", "/discussion", "/rules", "/announcements", "/changes",
)  # fmt: skip
OF_MEMBERS = ("/submissions", "/inbox", "/account", "/account/notifications", "/account/security")
OF_A_MEMBER_THERE = ("/entries", "/submit", "/team", "/compare", "/ledger")
OF_STAFF = ("/audit", "/admin/queue", "/admin/nodes", "/admin/costs", "/admin/leaks", "/admin/flags")
OF_STAFF_THERE = ("/organize", "/organize/presentation", "/rejudges")


def list_paths(client: httpx.Client) -> Iterator[str]:
    yield from GENERAL
    slug = client.get("/api/v1/competitions").raise_for_status().json()["items"][0]["slug"]
    here = f"/competitions/{slug}"
    yield from (here + end for end in OF_A_COMPETITION)
    entries = client.get(f"/api/v1{here}/leaderboard?limit=1").raise_for_status().json()["entries"]
    yield from (f"/submissions/{entry['submission_id']}" for entry in entries[:1])
    account = client.get("/api/v1/me")
    if account.status_code == 200:
        yield from OF_MEMBERS
        yield f"/people/{account.json()['name']}"
        yield from (here + end for end in OF_A_MEMBER_THERE)
        if account.json()["role"] != "participant":
            yield from OF_STAFF
            yield from (here + end for end in OF_STAFF_THERE)


def measure(client: httpx.Client, path: str, requests: int, pid: int | None) -> str:
    took, size = [], 0
    status = client.get(path).status_code  # compiles what is compiled once
    before = read_processor_seconds(pid)
    for _ in range(requests):
        begin = time.perf_counter()
        with client.stream("GET", path) as answer:
            took.append(1000 * (time.perf_counter() - begin))
            size = len(answer.read())
    spent = 1000 * (read_processor_seconds(pid) - before) / requests
    middle, high = np.percentile(took, [50, 95])
    cost = f" {spent:.0f} |" if pid else ""
    return f"| `{path}` | {status} | {size / 1024:.0f} | {middle:.0f} / {high:.0f} |{cost}"


def read_processor_seconds(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main(arguments: list[str]) -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("url")
    reader.add_argument("--requests", type=int, default=40)
    reader.add_argument("--pid", type=int, help="of the api's process, on this machine")
    reader.add_argument("--paths", nargs="+")
    asked = reader.parse_args(arguments)
    token = os.environ.get("LACUNA_TOKEN")
    headers = {"Accept": "text/html"} | ({"Authorization": f"Bearer {token}"} if token else {})
    with httpx.Client(base_url=asked.url, headers=headers, timeout=60, follow_redirects=False) as client:
        print("| page | status | KiB | first byte, ms: p50 / p95 |" + (" processor ms |" if asked.pid else ""))
        print("|---|---|---|---|" + ("---|" if asked.pid else ""))
        for path in asked.paths or list_paths(client):
            print(measure(client, path, asked.requests, asked.pid), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
