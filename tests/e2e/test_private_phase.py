"""The end of a competition on real parts: select, close, score privately, publish."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from cli.client import LacunaClient
from cli.processes import LocalPlatform
from core.db.queries.users import set_role
from core.db.session import get_engine, transaction
from core.domain.access import Role
from core.domain.errors import NotFound
from core.problems import ProblemSpec
from tests.e2e.conftest import PASSWORD, make_settings, make_small_problem
from tests.e2e.test_submit_to_leaderboard import finish, submit, wait, wait_until_open

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
IDLE = b"def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"
PRIVATE = {"forget": {"kind": "random", "fraction": 0.1, "seed": 771}, "split_seed": 772, "pool_seed": 773}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    problem = make_small_problem().model_dump()
    problem["recipe"]["epochs"], problem["pools"]["replicas"] = 4, 16
    problem["evaluation"] |= {"replicas": 16, "calibration_replicas": 2}
    spec = ProblemSpec.model_validate(problem | {"private": PRIVATE})
    with LocalPlatform(make_settings(tmp_path_factory.mktemp("private")), [spec]) as running:
        yield running


@pytest.fixture
def organizer(platform: LocalPlatform) -> Iterator[LacunaClient]:
    with LacunaClient(platform.url) as client:
        client.register("olga", PASSWORD)
        with transaction(get_engine(platform.settings.resolved_database_url)) as session:
            set_role(session, "olga", Role.ORGANIZER)
        client.create_token("olga", PASSWORD)
        yield client


def test_a_selected_entry_gets_a_private_score_that_shows_when_it_is_published(
    platform: LocalPlatform, client: LacunaClient, organizer: LacunaClient
) -> None:
    wait_until_open(platform, client)
    chosen = submit(client, "idle.py", IDLE)
    assert finish(platform, client, chosen)["verdict"] == "scored"
    client.select("digits", [chosen])
    wait(platform, lambda: organizer.get_private_phase("digits")["state"] == "ready")
    organizer.change_state("digits", "closed", "the end")
    organizer.move_private_phase("digits", "start", "the end")
    wait(platform, lambda: organizer.get_private_phase("digits")["unfinished"] == 0)
    with suppress(NotFound):
        pytest.fail(f"seen before it was published: {client.get_final_board('digits')}")
    organizer.move_private_phase("digits", "publish", "the end")
    final, public = client.get_final_board("digits"), client.get_leaderboard("digits")
    assert [entry["submission_id"] for entry in final["entries"]] == [chosen]
    assert final["spec_digest"] != public["spec_digest"]
    assert final["entries"][0]["score"] != public["entries"][0]["score"]
