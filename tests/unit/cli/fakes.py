"""Stand-ins for a server, a sandbox and a scorecard; every default is valid."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import numpy as np

from client.http import LacunaClient
from core.domain.submission import Verdict
from core.scorecard import ScorecardRecord, parse_scorecard

BODY: dict[str, Any] = {
    "metric_version": "lacuna-1",
    "protocol": "held_out",
    "score": {"estimate": 0.185, "low": 0.160, "high": 0.214, "level": 0.95},
    "protocols": {"held_out": 0.185, "neurips2023": 0.021, "exact": 0.019},
    "ceiling": {"estimate": 0.973, "low": 0.95, "high": 0.99, "neurips2023": 0.177, "exact": 0.17},
    "forgetting_quality": 0.186,
    "utility": {"value": 0.995, "retain_ratio": 0.994, "test_ratio": 1.001},
    "accuracy": {
        "unlearned": {"retain": 0.989, "forget": 0.919, "test": 0.94},
        "retrained": {"retain": 0.994, "forget": 0.862, "test": 0.936},
    },
    "unlearning_accuracy": 8.1,
    "retain_accuracy": 98.9,
    "test_accuracy": 94.0,
    "relative_runtime": {
        "estimate": 0.087,
        "low": 0.08,
        "high": 0.09,
        "wall": 0.087,
        "cpu": 0.085,
        "budget": 0.1,
        "over_budget": False,
        "seconds_per_replica": 0.041,
        "retrain_seconds": 0.47,
    },
    "epsilon": {"edges": [0.0, 0.5, 1.0], "points": [1.0, 0.5, 0.0], "counts": [5, 3, 0], "median": 0.4},
    "replicas": {"unlearned": 256, "retrained": 256, "control": 256, "originals": 1},
    "provenance": {
        "evaluation_id": "",
        "spec_digest": "",
        "source_digest": "",
        "problem_digest": "b" * 64,
        "manifest_digest": "c" * 64,
        "pool_digests": {"original": "1" * 64, "retrained": "2" * 64, "control": "3" * 64},
        "calibrations": [],
        "sandbox": "bubblewrap",
        "node_class": "cpu",
        "versions": {"torch": "2.13.0"},
    },
}


def make_state(**changes: Any) -> dict[str, Any]:
    """A submission as the API shows it."""
    return {
        "id": "s1",
        "competition": "digits",
        "filename": "a.py",
        "note": "",
        "status": "running",
        "verdict": None,
        "code": "",
        "reason": "",
        "hint": "",
        "progress": {"finished": 8, "total": 256},
        "score": None,
        "relative_runtime": None,
    } | changes


def make_ended(verdict: str, **changes: Any) -> dict[str, Any]:
    return make_state(**({"status": "finished", "verdict": verdict} | changes))


def make_entry(**changes: Any) -> dict[str, Any]:
    """One line of a board as the API shows it."""
    return {
        "place": "ranked",
        "rank": 1,
        "rank_label": "1",
        "name": "ada",
        "filename": "a.py",
        "purpose": "ranked",
        "verdict": "scored",
        "submission_id": "s1",
        "submitted_at": "2026-01-01T00:00:00Z",
        "score": 0.185,
        "score_low": 0.160,
        "score_high": 0.214,
        "score_corrected": 0.179,
        "truly_better_than_next": 0.871,
        "would_win_again": 0.788,
        "decided_early": False,
        "scored_replicas": 256,
        "replicas_total": 256,
        "neurips2023": 0.021,
        "unlearning_accuracy": 8.1,
        "retain_accuracy": 98.9,
        "test_accuracy": 94.0,
        "relative_runtime": 0.087,
    } | changes


def make_board(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"competition": "digits", "entries": list(entries), "ceiling": BODY["ceiling"], "next_cursor": None}


Answer = httpx2.Response | Callable[[httpx2.Request], httpx2.Response] | dict[str, Any]


@dataclass
class FakeServer:
    """Answers by method and path; a list is answered one by one, the last one for ever."""

    routes: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self.routes[(method, f"/api/v1{path}")] = list(answers)

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        answers = self.routes.get((request.method, request.url.path))
        if not answers:
            return make_problem(404, "there is nothing at this address")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, dict):
            return httpx2.Response(200, json=answer)
        return answer if isinstance(answer, httpx2.Response) else answer(request)

    def client(self, token: str | None = "secret") -> LacunaClient:
        return LacunaClient("http://127.0.0.1:8400", token, transport=httpx2.MockTransport(self.handle))


def make_problem(status: int, detail: str, **headers: str) -> httpx2.Response:
    body = {"type": "urn:x", "title": "No", "status": status, "detail": detail, "code": "X", "request_id": "r"}
    return httpx2.Response(status, json=body, headers={"content-type": "application/problem+json"} | headers)


@dataclass
class FakeOutputs:
    forget_logits: Any
    retain_accuracy: Any = field(default_factory=lambda: np.array([0.9]))
    forget_accuracy: Any = field(default_factory=lambda: np.array([0.8]))
    test_accuracy: Any = field(default_factory=lambda: np.array([0.7]))


@dataclass
class FakeRun:
    """An inspected replica."""

    logits: float = 0.0
    wall_seconds: float = 0.05
    cpu_seconds: float = 0.05
    fault: Any = None
    reason: str = ""
    platform_fault: str = ""
    log: str = ""
    traceback: str = ""

    @property
    def outputs(self) -> FakeOutputs:
        return FakeOutputs(np.full((1, 3, 2), self.logits))

    @property
    def is_good(self) -> bool:
        return self.fault is None and not self.platform_fault


@dataclass
class FakeEvaluation:
    """What scoring a submission at home gives."""

    verdict: Verdict = Verdict.SCORED
    code: Any = None
    reason: str = ""
    log: str = ""
    traceback: str = ""
    scorecard: ScorecardRecord | None = field(default_factory=lambda: parse_scorecard(BODY))
    detail: None = None
    relative_runtime: float | None = 0.087


@dataclass
class FakeSandbox:
    name: str = "fake"
