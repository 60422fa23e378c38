"""The real platform on loopback: processes, embedded broker, SQLite, a real sandbox, a small problem."""

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from cli.here.processes import LocalPlatform
from client.http import LacunaClient
from core.db.queries.users import set_role
from core.db.session import get_engine, transaction
from core.domain.access import Role
from core.problem_files import find_problem
from core.problems import ProblemSpec
from core.settings import Settings
from tests.chromium import CHROMIUM, open_browser
from tests.ports import find_free_port
from worker.runner.choose import choose_sandbox

PASSWORD = "correct horse battery"
# what an evaluation can least do with: a canary and one shard, and nothing of it a second time
TWO_BOXES = {"replicas": 16, "shard_replicas": 12, "calibration_replicas": 2, "rerun_replicas": 0}


def make_small_problem() -> ProblemSpec:
    """Digits with fewer epochs and replicas, in few boxes: seconds instead of a minute."""
    spec = find_problem("digits")
    rules = {"replicas": 24, "canary_replicas": 4, "shard_replicas": 20, "calibration_replicas": 4}
    return ProblemSpec.model_validate(
        spec.model_dump(mode="json")
        | {
            "recipe": spec.recipe.model_dump() | {"epochs": 20},
            "pools": spec.pools.model_dump() | {"replicas": 24},
            "evaluation": spec.evaluation.model_dump() | rules,
        }
    )


# what the first platform of a process tried of its boxes, the next ones know: worker.jobs.checking
_checks = tempfile.TemporaryDirectory(prefix="lacuna-checks-")


def make_settings(folder: Path, store_url: str = "") -> Settings:
    (folder / "checks").symlink_to(_checks.name)
    settings = Settings(
        data_folder=folder,
        store_url=store_url,
        api_port=find_free_port(),
        lease_seconds=4.0,
        sweep_seconds=0.5,
        workers=2,
        calibration_tries=1,  # no test of these needs to know a cost well, and a busy machine is always in doubt
        sandbox="bubblewrap",
    )
    choose_sandbox(settings)  # a readable failure here is better than a competition that never opens
    return settings


def wait(platform: LocalPlatform, until: Callable[[], bool], *, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "waited too long"
        platform.check()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    with LocalPlatform(make_settings(tmp_path_factory.mktemp("platform")), [make_small_problem()]) as running:
        yield running


@pytest.fixture
def admin(platform: LocalPlatform) -> Iterator[LacunaClient]:
    with LacunaClient(platform.url) as client:
        client.register("adam", PASSWORD)
        with transaction(get_engine(platform.settings.resolved_database_url)) as session:
            set_role(session, "adam", Role.ADMIN)
        client.create_token("adam", PASSWORD)
        yield client


@pytest.fixture
def client(platform: LocalPlatform) -> Iterator[LacunaClient]:
    """A participant of one's own for each test."""
    with LacunaClient(platform.url) as client:
        name = f"user{secrets.token_hex(6)}"
        client.register(name, PASSWORD)
        client.create_token(name, PASSWORD)
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with open_browser() as browser:
        yield browser
