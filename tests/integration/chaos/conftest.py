"""One platform a database, which all rows share; what they found is printed as a table at the end.

Its competition is open from the first moment: the pools are trained once, in this process, and restored from a backup.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from fastapi.testclient import TestClient

from api.main import create_app
from core.backup.restoring import restore_backup
from core.backup.taking import take_backup
from core.db.base import utc_now
from core.db.queries import competitions
from core.db.session import reading
from core.domain.competition import CompetitionState
from core.jobs import celery_app
from core.problems import ProblemSpec
from core.settings import Settings
from core.storage import FolderStore
from tests.integration.chaos.faults import WHOLE
from tests.integration.chaos.machines import SANDBOX, Broker, Machines, Nursery
from tests.integration.postgres import BINARIES, Postgres
from tests.ports import find_free_port
from tests.tiny_problems import make_tiny_spec
from tests.unit.worker.conftest import make_platform
from worker.runner.choose import choose_sandbox

ROW = "chaos"  # the property of a test's report
DATABASES = ("sqlite", "postgresql")
DISK_BYTES = 96 << 20
LEASE_SECONDS, SWEEP_SECONDS = 4.0, 0.5


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One database after the other, whatever the order of the rest: each has a platform that all its rows share."""
    places = [place for place, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    rows = sorted((items[place] for place in places), key=lambda item: "postgresql" in item.name)
    for place, row in zip(places, rows, strict=True):
        items[place] = row


def make_chaos_spec() -> ProblemSpec:
    """Of 16 replicas, two of them in the canary; a box starts for every shard, and that takes a second or two."""
    rules = {"replicas": 16, "canary_replicas": 2, "shard_replicas": 7, "calibration_replicas": 2}
    fewer_boxes = {} if WHOLE else {"shard_replicas": 14, "rerun_replicas": 0}
    return make_tiny_spec(evaluation=rules | fewer_boxes | {"compute_budget": 1e6})  # what it costs has no say here


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    if not BINARIES:
        pytest.skip("PostgreSQL's own programs are not installed: nobody could stop the server")
    with tempfile.TemporaryDirectory(prefix="lacuna-pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postgres(folder)
        server.make()
        server.start()
        yield server
        server.stop("immediate")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def prepared(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a platform whose competition is open; made while the nursery reads its libraries."""
    folder = tmp_path_factory.mktemp("prepared")
    with make_platform(folder) as platform:
        platform.open_competition(make_chaos_spec())
        take_backup(platform.engine, platform.context.store, folder / "backup", utc_now())
    return folder / "backup"


@pytest.fixture(scope="module")
def machines(
    request: pytest.FixtureRequest, nursery: Nursery, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machines]:
    """Two workers, a janitor, a broker and a database, with an open competition."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    folder = tmp_path_factory.mktemp("chaos")
    broker = Broker(find_free_port(), folder)
    settings = Settings(
        data_folder=folder / "data",
        database_url=server.url if server else "",
        broker_url=broker.url,
        api_port=find_free_port(),
        lease_seconds=LEASE_SECONDS,
        sweep_seconds=SWEEP_SECONDS,
        workers=1,
        sandbox=SANDBOX,
        disk_reserve_bytes=0,
        calibration_tries=1,
        registrations_per_hour=1000,
    )
    choose_sandbox(settings)  # says what is missing
    settings.data_folder.mkdir()
    machines = Machines(settings, nursery, broker, server, has_own_disk=mount_disk(settings.data_folder))
    broker.start()
    before = celery_app.conf.broker_url
    send_to(broker.url)
    try:
        restore_backup(machines.engine, lambda: FolderStore(settings.store_folder), prepared)
        yield machines
    finally:
        machines.stop()
        broker.kill()
        send_to(before)
        machines.engine.dispose()
        if machines.has_own_disk:
            subprocess.run(["umount", "--lazy", str(settings.data_folder)], check=True)


def send_to(broker_url: str) -> None:
    """What this process sends itself; without the connections that it has to another broker."""
    celery_app.conf.update(broker_url=broker_url)
    celery_app._after_fork()


def mount_disk(folder: Path) -> bool:
    """Whether it could be done: it takes root."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    return shutil.which("mount") is not None and subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def api(machines: Machines) -> Iterator[TestClient]:
    with TestClient(create_app(machines.settings)) as client:
        yield client


def is_open(machines: Machines, slug: str) -> bool:
    with reading(machines.engine) as session:
        competition = competitions.fetch_competition(session, slug)
        return competition is not None and competition.state is CompetitionState.OPEN


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reports = [report for each in terminalreporter.stats.values() for report in each if hasattr(report, "when")]
    rows = [dict(report.user_properties).get(ROW) for report in reports if report.when == "call"]
    lines = [f"| {' | '.join(map(str, row))} |" for row in sorted(filter(None, rows))]
    if lines:
        terminalreporter.write_sep("=", "chaos")
        terminalreporter.write_line("| fault | database | outcome | seconds after the fault | seconds in all |")
        terminalreporter.write_line("|---|---|---|---|---|")
        for line in lines:
            terminalreporter.write_line(line)
