"""A hidden competition with a practice phase on real parts: see everything in practice, nothing in the contest."""

from collections.abc import Iterator

import pytest

from cli.here.processes import LocalPlatform
from client.http import LacunaClient
from core.problems import ProblemSpec
from tests.e2e.conftest import TWO_BOXES, make_settings, make_small_problem
from tests.e2e.test_submit_to_leaderboard import finish, submit, wait, wait_until_open
from tests.hidden_problems import make_hidden_values

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
# as many to forget as in the contest: sizes are the first thing to look at
PRACTICE = {"forget": {"kind": "random", "fraction": 0.125, "seed": 61}, "split_seed": 62, "pool_seed": 63}
HEADER = b"import os, sys\ndef unlearning(net, retain_loader, forget_loader, val_loader):\n"
# what a file could tell the phases apart by, were there anything: where it is, what lies around, how much there is
LOOK = b"""
    folders = [sorted(os.listdir(folder)) for folder in (".", "/", "/tmp")]
    sizes = [len(loader.dataset) for loader in (retain_loader, forget_loader, val_loader)]
    place = [os.getcwd(), os.uname().nodename, sys.argv, sorted(os.environ.items())]
    seen = repr([folders, sizes, place, [type(each).__name__ for each in (net, retain_loader)]])
"""
SHOW, COMPARE = b"    print(seen)\n    return net\n", b"    assert seen == %r\n    return net\n"
FAIL = (
    b'    if net.training in (True, False): raise ValueError(f"the first label is {next(iter(forget_loader))[1][0]}")\n'
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    problem = make_small_problem().model_dump()
    problem["recipe"]["epochs"], problem["pools"]["replicas"] = 4, 16
    # a budget that no noise of a busy machine reaches
    problem["evaluation"] |= TWO_BOXES | {"compute_budget": 5.0}
    spec = ProblemSpec.model_validate(make_hidden_values(problem) | {"practice": PRACTICE})
    with LocalPlatform(make_settings(tmp_path_factory.mktemp("practice")), [spec]) as running:
        yield running


def practise(platform: LocalPlatform, client: LacunaClient, source: bytes) -> str:
    wait_until_open(platform, client)
    wait(platform, lambda: client.get_competition("digits")["practice"]["state"] == "ready")
    return str(client.submit("digits", "look.py", source, purpose="practice")["id"])


def test_a_practised_file_is_seen_whole_and_submitted_for_real(platform: LocalPlatform, client: LacunaClient) -> None:
    practised = finish(platform, client, practise(platform, client, HEADER + LOOK + SHOW))
    assert (practised["verdict"], practised["phase"]) == ("scored", "practice")
    assert client.get_leaderboard("digits")["entries"] == []
    real = finish(platform, client, str(client.promote(practised["id"])["id"]))
    assert (real["verdict"], real["phase"], real["log"]) == ("scored", "public", None)
    assert [entry["submission_id"] for entry in client.get_leaderboard("digits")["entries"]] == [real["id"]]
    limits = client.get_limits("digits")
    assert (limits["used"], limits["practice"]["used"]) == (1, 1)
    # the same look around in the contest, which fails if it sees anything else
    again = submit(client, "same.py", HEADER + LOOK + COMPARE % practised["log"].strip())
    assert finish(platform, client, again)["verdict"] == "scored"


def test_a_fault_tells_its_message_in_practice_alone(platform: LocalPlatform, client: LacunaClient) -> None:
    practised = finish(platform, client, practise(platform, client, HEADER + FAIL))
    real = finish(platform, client, submit(client, "fail.py", HEADER + FAIL))
    assert (practised["code"], real["code"]) == ("EXCEPTION", "FAILED_ON_HIDDEN_DATA")
    assert "the first label is" in practised["reason"]
    assert "Traceback" in practised["log"]
    assert "first label" not in str(real)
