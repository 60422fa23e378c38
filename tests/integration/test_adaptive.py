"""Entries that end early on what a fleet runs on: PostgreSQL, a broker, and several workers at one evaluation."""

from pathlib import Path
from typing import Any

import pytest

from cli.here.processes import LocalPlatform
from client.http import LacunaClient
from core.problems import ProblemSpec
from tests.e2e.conftest import PASSWORD, make_settings, make_small_problem
from tests.e2e.test_submit_to_leaderboard import BASELINES, finish, submit, wait_until_open

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
BREAKS = b"""
def unlearning(net, retain_loader, forget_loader, val_loader):
    for parameter in net.parameters():
        parameter.data.mul_(-8)
    return net
"""


def make_adaptive_problem() -> ProblemSpec:
    problem = make_small_problem()
    rules = {
        "replicas": 64,
        "canary_replicas": 4,
        "shard_replicas": 14,
        "compute_budget": 1.0,
        "adaptive": {"alpha": 0.5, "rival_place": 1, "min_replicas": 16},  # chance has no say in a test
    }
    evaluation = problem.evaluation.model_dump(mode="json") | rules
    return ProblemSpec.model_validate(problem.model_dump(mode="json") | {"evaluation": evaluation})


def submit_as(platform: LocalPlatform, name: str, filename: str, source: bytes) -> tuple[str, dict[str, Any]]:
    """Submit under a new account; the submission's id and its scorecard."""
    with LacunaClient(platform.url) as client:
        client.register(name, PASSWORD)
        client.create_token(name, PASSWORD)
        wait_until_open(platform, client)
        submission_id = submit(client, filename, source)
        assert finish(platform, client, submission_id)["verdict"] == "scored"
        return submission_id, client.get_scorecard(submission_id)


def test_an_entry_behind_its_rival_ends_early_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    settings = make_settings(tmp_path).model_copy(update={"database_url": postgres_url})
    with LocalPlatform(settings, [make_adaptive_problem()]) as platform:
        rival, _ = submit_as(platform, "ann", "vision_confusion.py", (BASELINES / "vision_confusion.py").read_bytes())
        behind, card = submit_as(platform, "bob", "breaks.py", BREAKS)
        with LacunaClient(platform.url) as client:
            entries = {entry["submission_id"]: entry for entry in client.get_leaderboard("digits")["entries"]}
    decision = card["decision"]
    assert (decision["standing"], decision["rival"]) == ("behind", rival)
    assert 16 <= decision["after"] < 64
    assert entries[rival]["rank"] == 1
    assert entries[behind]["decided_early"]
    assert entries[behind]["scored_replicas"] == decision["after"]
