"""A small platform whose every accident is an order of the test: three nodes, a broker in a list, and time that jumps.

A job loads, works and applies. Here the work is made up, so that it takes no time and can go wrong in every way; what
is loaded and applied, and what staff and participants do, is the product's own code on a real database.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from api.deps import Caller
from api.submissions.acceptance import Upload, accept_upload
from api.submissions.intake import Intake
from api.submissions.schemas import RequestedPurpose
from core import jobs
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.operations import Node, Outbox
from core.db.models.problems import EvaluationSpec
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, EvaluationEvent, Replica, Scorecard, Shard, Submission
from core.db.session import reading, transaction
from core.domain.access import Role
from core.domain.calibration import RETRAIN_FILE
from core.domain.competition import CompetitionState
from core.domain.errors import Conflict, PlatformFault, StoreUnavailable
from core.domain.faults import FaultCode
from core.domain.intake.reading import read_submission
from core.domain.leaderboard import Purpose
from core.domain.notes import NoteReaders
from core.domain.phases import PhaseKind
from core.registration import register_competition
from core.scorecard import parse_scorecard
from core.settings import Settings
from core.storage import FolderStore
from evaluator.sequential import PlaceDecision, Standing
from tests import factories
from tests.database import make_database
from tests.scorecard_bodies import make_scorecard_body
from tests.unit.worker.conftest import DELIVER, HONEST, FakeSandbox, make_spec
from worker.jobs import looks, reminders, scores, shards
from worker.jobs.calibration import start_calibration
from worker.jobs.context import WorkerContext
from worker.jobs.heartbeat import renew_shard
from worker.jobs.looks import LookWork
from worker.jobs.scores import DrawnScore, ScoreWork
from worker.jobs.shards import ShardWork
from worker.jobs.sweep import sweep
from worker.replicas.execution import Batch, derive_seed
from worker.replicas.inspection import InspectedReplica
from worker.replicas.outputs import RELEARN_STEPS, ModelOutputs
from worker.replicas.seconds import MeasuredShard, RunSeconds
from worker.replicas.yardstick import NOTHING
from worker.report.drawing import Drawings

INTAKE = Intake(1 << 20, read_submission)
CLASS_OF = {"a": "cpu", "b": "cpu", "c": "gpu"}  # nodes; nothing is measured on the second class beforehand
NODES = tuple(CLASS_OF)
PEOPLE = ("ada", "bea")
DAILY, CONCURRENT, REFUNDS = 6, 4, 5
LEASE = timedelta(seconds=30)
STAFF = Caller("o", "o", Role.ORGANIZER)
ADAPTIVE = {"alpha": 0.5, "rival_place": 1, "min_replicas": 16}
Row = TypeVar("Row")
LOOKED_AT = (Evaluation, EvaluationEvent, Shard, Replica, Scorecard, Submission)
Message = tuple[str, str]  # task and object


class Died(BaseException):
    """A worker is gone: nothing of it runs any more."""


class Manner(StrEnum):
    """How a piece of work goes."""

    WELL = "well"
    DIES = "dies"  # and leaves its lease behind
    FAILS = "fails"  # on our side
    HAS_NO_STORE = "has_no_store"  # which is nobody's node's fault
    IS_WRONG = "is_wrong"  # the participant's code is
    IS_DEAR = "is_dear"  # it costs more than it may
    IS_DEAF = "is_deaf"  # no heartbeat tells it that its work is not wanted any more


@dataclass
class World:
    engine: Engine
    contexts: dict[str, WorkerContext]
    competition: Competition
    people: dict[str, Caller]
    template: Path
    broker: list[Message] = field(default_factory=list)
    is_broker_up: bool = True
    away: set[str] = field(default_factory=set)  # nodes that do not report
    sick: set[str] = field(default_factory=set)  # nodes on which everything fails
    mishaps: dict[tuple[str, int], str] = field(default_factory=dict)  # of a shard's fence, on a node
    well: list[str] = field(default_factory=list)  # nodes that finished a shard
    seen: dict[type[Any], list[Any]] = field(default_factory=dict)
    manner: Manner = Manner.WELL
    meanwhile: Callable[[], None] | None = None
    scored: int = 0  # of all that was ever submitted here

    def begin(self) -> None:
        """Everything is as it was before the first submission."""
        self.engine.dispose()
        shutil.copyfile(self.template, str(self.engine.url.database))
        for each in (self.broker, self.away, self.sick, self.mishaps, self.well):
            each.clear()
        self.is_broker_up = True
        self.look_away()
        self.let_pass(timedelta(0))

    def fetch(self, model: type[Row]) -> list[Row]:
        if model in self.seen:
            return self.seen[model]
        with reading(self.engine) as session:
            return list(session.scalars(select(model)))

    def look_around(self) -> None:
        """Read every table once; what is fetched until one looks away is as of now."""
        with reading(self.engine) as session:
            self.seen = {model: list(session.scalars(select(model))) for model in LOOKED_AT}

    def look_away(self) -> None:
        self.seen = {}

    def fetch_undecided(self) -> Rejudge | None:
        return next((row for row in self.fetch(Rejudge) if row.state in ("running", "paused")), None)

    def submit(self, person: str, *, is_readable: bool, number: int) -> None:
        source = HONEST + f"# {number}\n".encode() if is_readable else b"def"
        upload = Upload(self.competition.slug, "mine.py", source, "", NoteReaders.ME, RequestedPurpose.RANKED, None)
        store = self.contexts["a"].store
        accept_upload(self.engine, store, upload, self.people[person], INTAKE)

    def ask(self, deed: Callable[[Session], object]) -> bool:
        """Whether staff or an author were allowed to do it."""
        try:
            with transaction(self.engine) as session:
                deed(session)
        except Conflict:
            return False
        return True

    def let_pass(self, seconds: timedelta) -> None:
        """Move every date of the future closer; nodes that are here report."""
        with transaction(self.engine) as session:
            for shard in session.scalars(select(Shard).where(Shard.lease_until.is_not(None))):
                assert shard.lease_until is not None
                shard.lease_until -= seconds
                if shard.lease_until < utc_now():
                    self.mishaps[shard.id, shard.fence] = shard.worker or ""
            for evaluation in session.scalars(select(Evaluation).where(Evaluation.scoring_until.is_not(None))):
                assert evaluation.scoring_until is not None
                evaluation.scoring_until -= seconds
            for node in session.scalars(select(Node)):
                node.resting_until = node.resting_until and node.resting_until - seconds
                node.last_seen_at = utc_now() - (timedelta(hours=1) if node.name in self.away else timedelta(0))

    def sweep(self, node: str = "a") -> None:
        sweep(self.contexts[node])

    def deliver(self, message: Message, node: str, manner: Manner, meanwhile: Callable[[], None] | None = None) -> None:
        self.manner, self.meanwhile = Manner.FAILS if node in self.sick else manner, meanwhile
        task, object_id = message
        try:
            DELIVER[task](self.contexts[node], object_id)
        except Died:
            pass
        finally:
            self.manner, self.meanwhile = Manner.WELL, None

    def deliver_all(self, turn: int) -> None:
        """Every message to one node, which works well; to another one each turn, so that none waits for ever."""
        for _ in range(500):
            if not self.broker:
                return
            self.deliver(self.broker.pop(0), NODES[turn % len(NODES)], Manner.WELL)
        raise AssertionError("messages beget messages")

    def heal(self) -> None:
        self.is_broker_up = True
        self.away.clear()
        self.sick.clear()
        with transaction(self.engine) as session:
            for node in session.scalars(select(Node)):
                node.draining_since, node.drain_reason = None, ""

    def take_turn(self) -> Manner:
        """How the work goes that begins now, after whatever happens while it runs."""
        manner, meanwhile = self.manner, self.meanwhile
        self.manner, self.meanwhile = Manner.WELL, None
        if meanwhile is not None:
            meanwhile()
        if manner is Manner.DIES:
            raise Died
        if manner is Manner.HAS_NO_STORE:
            raise StoreUnavailable("the store is away")
        return manner

    def run(self, context: WorkerContext, work: ShardWork) -> Batch:
        manner, node = self.take_turn(), context.settings.node_name
        if manner is Manner.FAILS:
            self.mishaps[work.shard_id, work.fence] = node
            return Batch((), stopped=False, sandbox="fake", platform_fault="the engine is away")
        if manner is not Manner.IS_DEAF:
            renew = renew_shard(work.shard_id, work.fence, work.evaluation_id)
            with transaction(self.engine) as session:
                if not renew(session, utc_now() + LEASE, 0):
                    return Batch((), stopped=True, sandbox="fake", platform_fault="")
        is_ours = work.purpose is Purpose.CALIBRATION
        seconds = 1.0 if is_ours and work.filename == RETRAIN_FILE else 0.9 if manner is Manner.IS_DEAR else 0.0
        fault = FaultCode.EXCEPTION if manner is Manner.IS_WRONG and not is_ours else None
        self.well.append(node)
        places = range(work.first, work.first + (1 if fault else work.count))
        replicas = tuple(_make_replica(work.evaluation_id, place, seconds, fault) for place in places)
        measured = () if work.plan == NOTHING else (_measure(replicas, seconds),)
        return Batch(replicas, stopped=False, sandbox="fake", platform_fault="", measured=measured)

    def score(self, _context: WorkerContext, work: ScoreWork) -> DrawnScore:
        if self.take_turn() is Manner.FAILS:
            raise PlatformFault("it cannot be computed")
        assert all(shard.outputs for shard in work.shards)
        estimate = int(work.evaluation_id[-4:], 16) / 0xFFFF  # the board moves
        record = parse_scorecard(make_scorecard_body(round(estimate, 4)))
        return DrawnScore(record, (estimate,), Drawings("<svg/>", "<svg/>", None, []))

    def look(self, _context: WorkerContext, work: LookWork) -> PlaceDecision:
        manner = self.take_turn()
        standing = Standing.behind if manner is Manner.WELL else Standing.open
        return PlaceDecision(standing, work.replicas, -0.1, -0.2, -0.05)

    def receive(self, task: str, *, args: list[str], **_how: object) -> None:
        if not self.is_broker_up:
            raise OSError("nobody listens")
        self.broker.append((task, args[0]))

    def read(self, _url: str, _queues: set[str]) -> set[Message]:
        if not self.is_broker_up:
            raise PlatformFault("the broker does not answer")
        return set(self.broker)


def make_world(folder: Path, patch: pytest.MonkeyPatch) -> World:
    """An open competition, calibrated on the first class of node, two people, nobody's submission."""
    engine, store = make_database(folder), FolderStore(folder / "store")
    contexts = {name: _make_context(folder, engine, store, name) for name in NODES}
    spec = make_spec(replicas=22, canary_replicas=4, shard_replicas=6, adaptive=ADAPTIVE)
    with transaction(engine) as session:
        competition = register_competition(session, spec)
        people = {name: factories.make_user(session, name).id for name in PEOPLE}
        competition.daily_limit, competition.concurrent_limit = DAILY, CONCURRENT
        for name, node_class in CLASS_OF.items():
            factories.make_node(session, name, node_class=node_class)
    callers = {name: Caller(user_id, name, Role.PARTICIPANT) for name, user_id in people.items()}
    world = World(engine, contexts, competition, callers, folder / "template.sqlite")
    patch.setattr(jobs.celery_app, "send_task", world.receive)
    patch.setattr(reminders, "read_messages", world.read)
    patch.setattr(shards, "_work", world.run)
    patch.setattr(scores, "_work", world.score)
    patch.setattr(looks, "_work", world.look)
    with transaction(engine) as session:
        row = session.get_one(Competition, competition.id, options=[])
        spec_row = session.get_one(EvaluationSpec, row.spec_id)
        start_calibration(session, contexts["a"], spec_row, row.id, PhaseKind.PUBLIC)
        for message in session.scalars(select(Outbox)):
            session.delete(message)  # the pools are not trained
    while world.broker:
        world.deliver(world.broker.pop(0), "a", Manner.WELL)
    [opened] = world.fetch(Competition)
    assert opened.state == CompetitionState.OPEN
    engine.dispose()  # folds the write-ahead log into the file
    shutil.copyfile(str(engine.url.database), world.template)
    return world


def _make_context(folder: Path, engine: Engine, store: FolderStore, name: str) -> WorkerContext:
    settings = Settings(data_folder=folder, lease_seconds=LEASE.total_seconds(), workers=1, node_name=name)
    settings = settings.model_copy(update={"node_class": CLASS_OF[name]})
    return WorkerContext(settings, engine, store, FakeSandbox(name))


def _make_replica(evaluation_id: str, place: int, seconds: float, fault: FaultCode | None) -> InspectedReplica:
    return InspectedReplica(
        index=place,
        seed=derive_seed(evaluation_id, place),
        wall_seconds=seconds,
        cpu_seconds=seconds,
        peak_memory_bytes=1,
        weights_sha256=f"{place:064x}",
        outputs=None if fault else _OUTPUTS,
        fault=fault,
        reason="it raises" if fault else "",
        platform_fault="",
        log="",
        traceback="",
    )


def _measure(replicas: tuple[InspectedReplica, ...], seconds: float) -> MeasuredShard:
    """Seconds of the runs, of those of a shard that counts none too, and of the yardsticks among them."""
    runs = tuple(each.cpu_seconds for each in replicas) or (seconds,) * 2
    return MeasuredShard(RunSeconds(runs, runs), RunSeconds((0.1,) * 2, (0.1,) * 2), RunSeconds((0.0,), (0.0,)))


def _make_outputs() -> ModelOutputs:
    share, few = np.full(1, 0.5), np.zeros((1, 1), np.float32)
    return ModelOutputs(
        forget_logits=np.zeros((1, 2, 2), np.float32),
        retain_accuracy=share,
        forget_accuracy=share,
        test_accuracy=share,
        retain_confidence=few,
        retain_entropy=few,
        test_confidence=few,
        test_entropy=few,
        weight_change=np.zeros(1),
        relearn_loss=np.zeros((1, RELEARN_STEPS + 1), np.float32),
        relearn_retain_loss=np.zeros((1, RELEARN_STEPS + 1), np.float32),
    )


_OUTPUTS = _make_outputs()
