"""Nodes without a network between them and the application: real endpoints, a real janitor's part, a fake box."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.deps import Caller
from api.main import create_app
from api.nodes import service, work
from api.nodes.callers import Machine
from api.nodes.schemas import NewNode
from core.db.models.submissions import Evaluation
from core.db.queries import competitions, evaluations
from core.db.session import reading, transaction
from core.domain.access import Role
from core.domain.errors import ContestError
from core.domain.leaderboard import Purpose
from core.jobs import RUN_SHARD
from core.node_records import NodeReport, Offer
from core.version import find_version
from tests.unit.worker.conftest import DELIVER, HONEST, FakeSandbox, Platform, make_spec
from worker.agent.link import Link
from worker.agent.patience import Standing
from worker.agent.slot import Slot
from worker.agent.store import NodeStore
from worker.jobs.fleet import Dispatcher

ADMIN = Caller("adam", "adam", Role.ADMIN)


@dataclass
class Member:
    """One node with one slot."""

    fleet: "Fleet"
    name: str
    token: str
    folder: Path
    sandbox: FakeSandbox = field(default_factory=FakeSandbox)
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        transport = self.fleet.client._transport
        self.link = Link("http://testserver", self.token, transport=transport)
        self.standing = Standing(self.said.append)
        settings = self.fleet.platform.context.settings.model_copy(update={"data_folder": self.folder})
        self.slot = Slot(self.link, self.standing, settings, self.sandbox, self.instance, self.folder)
        self.store = NodeStore(self.folder, limit_bytes=1 << 30)

    def describe(self, **changes: Any) -> NodeReport:
        told = {"version": find_version(), "node_class": "cpu", "device": "cpu", "workers": 1, "sandbox": "fake"}
        return NodeReport.model_validate({"instance": self.instance, "fault": "", "promises": {}, **told, **changes})

    def ask(self) -> Offer | None:
        """One question, which the janitor answers at once."""
        engine, machine = self.fleet.platform.engine, Machine(self.name, tuple(Purpose))
        lease_id = work.open_request(engine, machine, self.instance)
        self.fleet.dispatcher.turn()
        return work.find_offer(engine, lease_id) or work.withdraw(engine, lease_id)

    def take(self, offer: Offer) -> None:
        try:
            self.slot._take(offer, self.store)
        except ContestError as error:  # as its loop does
            self.standing.end(error.message)
        self.fleet.dispatcher.turn()

    def step(self) -> bool:
        offer = self.ask()
        if offer is not None:
            self.take(offer)
        return offer is not None


@dataclass
class Fleet:
    platform: Platform
    client: TestClient
    dispatcher: Dispatcher
    folder: Path

    def join(self, name: str = "gpu-1", *, purposes: tuple[Purpose, ...] = tuple(Purpose), **report: Any) -> Member:
        new = NewNode(name=name, purposes=list(purposes), reason="a test")
        with transaction(self.platform.engine) as session:
            token = service.add_key(session, new, ADMIN).token
        member = Member(self, name, token, self.folder / name)
        member.link.report(member.describe(**report))
        return member

    def submit(self, source: bytes = HONEST) -> str:
        """The evaluation's id."""
        with reading(self.platform.engine) as session:
            competition = competitions.fetch_competition(session, "digits")
        assert competition is not None
        return self.platform.submit(competition, source)

    def revoke(self, name: str) -> None:
        with transaction(self.platform.engine) as session:
            service.revoke_key(session, name, "a test", ADMIN)

    def run_until_quiet(self, *members: Member) -> None:
        """No worker here takes a shard: the nodes do, and workers score."""
        moved = True
        while moved:
            moved = any([member.step() for member in members])
            for task, object_id in self.platform.drop_messages():
                if task != RUN_SHARD:
                    DELIVER[task](self.platform.context, object_id)
                    moved = True

    def fetch(self, evaluation_id: str) -> Evaluation:
        with reading(self.platform.engine) as session:
            found = evaluations.fetch_evaluation(session, evaluation_id)
        assert found is not None
        return found


@pytest.fixture
def fleet(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    monkeypatch.setattr("worker.jobs.fleet.WAITING_SECONDS", 0.0)
    platform.open_competition(make_spec(rerun_replicas=1))
    with TestClient(create_app(platform.context.settings), raise_server_exceptions=False) as client:
        yield Fleet(platform, client, Dispatcher(platform.context), tmp_path / "nodes")
