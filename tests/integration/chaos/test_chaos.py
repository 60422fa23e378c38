"""Faults in the middle of the work: every evaluation ends as if nothing had happened, and within a minute."""

import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from api.main import create_app
from client.http import LacunaClient
from core.backup.restoring import restore_backup
from core.backup.taking import take_backup
from core.db.base import utc_now
from core.db.models.operations import Node
from core.db.models.problems import Pool, PoolChunk, Problem
from core.db.models.submissions import Evaluation
from core.db.queries import audit, chains, competitions, evaluations
from core.db.session import reading, transaction
from core.domain.audit import find_break
from core.domain.errors import ContestError
from core.domain.pools import PoolKind
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState
from core.problems import ProblemSpec
from core.registration import register_competition
from core.storage import FolderStore
from tests.integration.chaos.conftest import DATABASES, ROW, is_open, make_chaos_spec
from tests.integration.chaos.faults import FAULTS, POSTGRES, WHOLE, Fault, is_in_the_middle, restart_broker
from tests.integration.chaos.machines import API, PATIENCE, Machines, wait_until
from tests.integration.chaos.undisturbed import SOURCE, find_difference, run_undisturbed
from worker.problems import load_problem
from worker.training.chunks import pool_chunks
from worker.training.pools import build_chunk, make_seal, pool_sizes

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
UPLOADS = 2
CASES = [
    (database, fault)
    for database in DATABASES
    for fault in FAULTS
    if (fault.database in ("", database) if WHOLE else database in fault.always)
]
MOST = DATABASES if WHOLE else POSTGRES
PASSWORD = "correct horse battery"


@pytest.mark.parametrize(("machines", "fault"), CASES, indirect=["machines"], ids=str, scope="module")
def test_a_fault_changes_nothing(
    machines: Machines, api: TestClient, fault: Fault, record_property: Callable[[str, object], None]
) -> None:
    machines.restore()
    let_nodes_work(machines)
    if fault.prepare is not None:
        fault.prepare(machines)
    headers, uploaded = register(api), time.monotonic()
    entries = [submit(api, headers) for _ in range(fault.entries)]
    if not fault.at_once:
        wait_until(lambda: is_in_the_middle(machines), "a shard is under way")
    fault.inject(machines)
    gone = time.monotonic()
    wait_until(lambda: have_ended(machines, entries), "all have ended")
    times = measure(uploaded, gone)
    faults = [find_fault(machines, entry) for entry in entries]
    record_property(ROW, (fault.name, machines.database, tell(faults), *times))
    assert faults == [""] * fault.entries
    check_quota(api, headers, fault.entries)


@pytest.mark.parametrize("machines", MOST, indirect=True, scope="module")
def test_an_api_that_is_killed_while_uploads_arrive_loses_and_doubles_none(
    machines: Machines, api: TestClient, record_property: Callable[[str, object], None]
) -> None:
    machines.restore()
    let_nodes_work(machines)
    machines.start(API)
    url = f"http://127.0.0.1:{machines.settings.api_port}"
    wait_until(lambda: is_answering(url), "the API answers")
    headers, began, sent = register(api), time.monotonic(), list[tuple[str, str]]()
    token = headers["Authorization"].removeprefix("Bearer ")

    def upload(key: str) -> None:
        """As a client does that does not give up."""
        while not any(name == key for name, _ in sent):
            with suppress(ContestError), LacunaClient(url, token) as client:
                sent.append((key, str(client.submit("tiny", "chaos.py", SOURCE, key=key)["id"])))

    uploads = [threading.Thread(target=upload, args=(f"key-{number}",), daemon=True) for number in range(UPLOADS)]
    for place, thread in enumerate(uploads):
        thread.start()
        time.sleep(0.05 * place)  # neither at the same moment of its work
    for _ in range(2):
        machines.kill(API)
        machines.start(API)
        wait_until(lambda: is_answering(url), "the API answers again")
    gone = time.monotonic()
    for thread in uploads:
        thread.join(PATIENCE)
    entries = {entry for _, entry in sent}
    wait_until(lambda: have_ended(machines, entries), "all have ended")
    times = measure(began, gone)
    faults = [find_fault(machines, entry) for entry in sorted(entries)]
    record_property(ROW, ("API killed twice while uploads arrive", machines.database, tell(faults), *times))
    assert faults == [""] * UPLOADS
    check_quota(api, headers, UPLOADS)


@pytest.mark.parametrize("machines", MOST, indirect=True, scope="module")
def test_a_backup_taken_in_the_middle_of_the_work_goes_on_in_an_empty_place(
    machines: Machines, api: TestClient, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    machines.restore()
    let_nodes_work(machines)
    headers, began = register(api), time.monotonic()
    entry = submit(api, headers)
    wait_until(lambda: is_in_the_middle(machines), "a shard is under way")
    boards = count_boards(machines)
    take_backup(machines.engine, FolderStore(machines.settings.store_folder), tmp_path / "backup", utc_now())
    wait_until(lambda: have_ended(machines, [entry]), "it has ended")
    machines.stop()
    machines.broker.forget_everything()  # another machine, another broker
    with move(machines, tmp_path / "elsewhere") as elsewhere:
        restored = restore_backup(
            elsewhere.engine, lambda: FolderStore(elsewhere.settings.store_folder), tmp_path / "backup"
        )
        assert fetch(elsewhere, entry).status is not Status.FINISHED
        gone = time.monotonic()
        elsewhere.complete()
        wait_until(lambda: have_ended(elsewhere, [entry]), "it has ended there")
        times = measure(began, gone)
        faults = [find_fault(place, entry) for place in (machines, elsewhere)]
        record_property(ROW, ("restored from a backup of its middle", machines.database, tell(faults), *times))
        assert faults == ["", ""]
        assert (restored.breaks, restored.boards) == ((), boards)
        assert find_breaks(elsewhere) == []
        with TestClient(create_app(elsewhere.settings)) as other:
            check_quota(other, headers, 1)


@pytest.mark.parametrize("machines", MOST, indirect=True, scope="module")
def test_everything_killed_while_pools_are_trained_changes_nothing(
    machines: Machines, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    machines.restore()
    spec = make_slow_spec()
    registered = time.monotonic()
    with transaction(machines.engine) as session:
        register_competition(session, spec)
    wait_until(lambda: is_training(machines), "a pool is being trained")
    machines.stop()
    restart_broker(machines)
    machines.restore()
    gone = time.monotonic()
    wait_until(lambda: is_open(machines, spec.slug), "the competition opens")
    times = measure(registered, gone)
    same = find_seals(machines, spec.slug) == make_seals(spec, tmp_path)
    outcome = "right" if same else "its pools differ"
    record_property(ROW, ("everything killed while pools are trained", machines.database, outcome, *times))
    assert same


def measure(began: float, gone: float) -> tuple[float, float]:
    """Seconds since the fault was over, and since all began."""
    now = time.monotonic()
    return round(now - gone, 1), round(now - began, 1)


def tell(faults: list[str]) -> str:
    return next(filter(None, faults), "right")


def check_quota(api: TestClient, headers: dict[str, str], used: int) -> None:
    limits = api.get("/api/v1/competitions/tiny/limits", headers=headers).json()
    assert (limits["total_used"], limits["running"]) == (used, 0)


@contextmanager
def move(machines: Machines, folder: Path) -> Iterator[Machines]:
    """An empty place beside a platform that has been stopped: a database, a store and nobody who works."""
    folder.mkdir()
    url = machines.postgres.add_database("elsewhere") if machines.postgres else ""
    elsewhere = machines.move(
        machines.settings.model_copy(update={"data_folder": folder / "data", "database_url": url})
    )
    try:
        yield elsewhere
    finally:
        elsewhere.stop()
        elsewhere.broker.forget_everything()
        elsewhere.engine.dispose()


def count_boards(machines: Machines) -> int:
    """Boards that somebody stands on; they begin with the first score of the suite."""
    with reading(machines.engine) as session:
        competition = competitions.fetch_competition(session, "tiny")
        assert competition is not None
        return len(list(chains.fetch_boards(session, competition.id)))


def find_breaks(machines: Machines) -> list[object]:
    """In the chains of the boards and of the audit log."""
    with reading(machines.engine) as session:
        competition = competitions.fetch_competition(session, "tiny")
        assert competition is not None
        boards = [chains.find_break(session, kept.board) for kept in chains.fetch_boards(session, competition.id)]
        found = [*boards, find_break(audit.iter_links(session), audit.fetch_head(session))]
    return [each for each in found if each is not None]


def make_slow_spec() -> ProblemSpec:
    """Another problem, whose pools take a moment."""
    spec = make_chaos_spec()
    recipe, split = spec.recipe.model_dump(), spec.split.model_dump()
    changes = {"slug": "slow", "recipe": recipe | {"epochs": 30}, "split": split | {"seed": 9}}
    return ProblemSpec.model_validate(spec.model_dump(mode="json") | changes)


def is_answering(url: str) -> bool:
    with suppress(httpx2.HTTPError):
        return httpx2.get(f"{url}/healthz", timeout=2.0).is_success
    return False


def is_training(machines: Machines) -> bool:
    with reading(machines.engine) as session:
        return session.scalars(select(PoolChunk.id).where(PoolChunk.state == WorkState.LEASED)).first() is not None


def find_seals(machines: Machines, slug: str) -> dict[PoolKind, str]:
    with reading(machines.engine) as session:
        query = select(Pool.kind, Pool.seal).join(Problem).where(Problem.slug == slug)
        return {kind: (seal or {}).get("digest", "") for kind, seal in session.execute(query)}


def make_seals(spec: ProblemSpec, folder: Path) -> dict[PoolKind, str]:
    """Of the same pools, trained in this process alone."""
    store, problem = FolderStore(folder), load_problem(spec)
    plans = {kind: pool_chunks(problem, kind, size) for kind, size in pool_sizes(spec).items()}
    for chunk in (chunk for plan in plans.values() for chunk in plan):
        build_chunk(problem, chunk, store)
    return {kind: make_seal(plan, store)["digest"] for kind, plan in plans.items()}


def find_fault(machines: Machines, submission_id: str) -> str:
    """In what an evaluation differs from one that nothing happened to; empty if in nothing."""
    evaluation = fetch(machines, submission_id)
    if evaluation.verdict is not Verdict.SCORED:
        return f"{evaluation.verdict}: {evaluation.reason}"
    with reading(machines.engine) as session:
        replicas = list(evaluations.fetch_replicas(session, evaluation.id))
    return find_difference(evaluation, replicas, run_undisturbed(machines.settings, make_chaos_spec(), evaluation))


def have_ended(machines: Machines, submission_ids: Collection[str]) -> bool:
    """Asked ten times a second, beside the work itself."""
    live = select(Evaluation.id).where(
        Evaluation.submission_id.in_(submission_ids), Evaluation.status != Status.FINISHED
    )
    with reading(machines.engine) as session:
        return session.scalars(live).first() is None


def fetch(machines: Machines, submission_id: str) -> Evaluation:
    with reading(machines.engine) as session:
        submission = evaluations.fetch_submission(session, submission_id)
        assert submission is not None
        (evaluation,) = submission.evaluations
        return evaluation


def let_nodes_work(machines: Machines) -> None:
    """No row pays for the faults of an earlier one."""
    with transaction(machines.engine) as session:
        session.execute(update(Node).values(strikes=0, resting_until=None, rest_reason=""))


def register(api: TestClient) -> dict[str, str]:
    who = {"name": f"user{secrets.token_hex(6)}", "password": PASSWORD}
    api.post("/api/v1/users", json=who).raise_for_status()
    answer = api.post("/api/v1/tokens", json=who).raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def submit(api: TestClient, headers: dict[str, str]) -> str:
    files = {"file": ("chaos.py", SOURCE)}
    answer = api.post("/api/v1/competitions/tiny/submissions", headers=headers, files=files).raise_for_status()
    return str(answer.json()["id"])
