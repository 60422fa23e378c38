"""A platform in memory's reach: a migrated database, a folder store, a tiny problem, and a sandbox made of Python."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save
from sqlalchemy import Engine

from core.db.base import utc_now
from core.db.models.accounts import User
from core.db.models.contests import Competition
from core.db.models.submissions import Submission
from core.db.queries import competitions, evaluations, outbox
from core.db.session import reading, transaction
from core.domain.calibration import IDLE_FILE
from core.domain.submission import Status
from core.domain.work import SCORE_TRIES
from core.jobs import BUILD_CHUNK, DECIDE, PREPARE, PREVIEW, RUN_SHARD, SCORE, VALIDATE, celery_app
from core.lifecycle import open_evaluation
from core.problem_files import find_problem
from core.problems import ProblemSpec
from core.registration import register_competition
from core.settings import Settings
from core.storage import FolderStore
from sandbox.contract import Outcome, Role
from tests.database import make_database
from tests.unit.worker.opened import is_untouched, open_once
from worker.jobs import looks, preparation, preview, scores, shards, validation
from worker.jobs.context import WorkerContext
from worker.replicas.calibration import make_calibration_source
from worker.runner.base import ReplicaResult, RunRequest, RunResult

RECIPE, IDLE = b"RECIPE.update", make_calibration_source(IDLE_FILE, find_problem("digits"))
SECONDS_OF_PIECE = {Role.YARDSTICK: 0.1, Role.IDLE: 0.0}
HONEST = b"def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"


@dataclass
class FakeSandbox:
    """Answers every order with the original plus seeded noise; tests bend one thing at a time."""

    name: str = "fake"
    outcome: Outcome = Outcome.OK
    error: str = ""
    sandbox_error: str = ""
    seconds: float = 0.01
    failing: frozenset[Role] = frozenset()  # of what is timed beside
    wobble: tuple[float, float] = (0.0, 0.0)  # of replicas and of yardsticks: every other one takes longer by so much
    before: Callable[[RunRequest], None] = lambda request: None
    bend: Callable[[bytes], bytes | None] = lambda weights: weights
    requests: list[RunRequest] = field(default_factory=list)
    killed: list[set[str]] = field(default_factory=list)

    def find_obstacle(self) -> str | None:
        return None

    def kill_orphans(self, find_live: Callable[[], set[str]]) -> None:
        self.killed.append(find_live())

    def run(self, request: RunRequest, *, on_replica: Callable[[ReplicaResult], bool]) -> RunResult:
        self.requests.append(request)
        self.before(request)
        delivered, stopped = 0, False
        for order in request.orders if not self.sandbox_error else ():
            source = request.files["submission.py"]
            ours = RECIPE in source or source == IDLE
            seconds = (1.0 if RECIPE in source else 0.0) if ours else self.seconds
            if order.role is not Role.ENTRY:
                seconds = SECONDS_OF_PIECE[order.role] * (1 + self.wobble[1] * (-1) ** order.index)
            elif not ours:
                seconds *= 1 + self.wobble[0] * (-1) ** order.index
            good = self.outcome is Outcome.OK or ours
            broken = order.role in self.failing
            result = ReplicaResult(
                index=order.index,
                seed=order.seed,
                outcome=Outcome.EXCEPTION if broken else Outcome.OK if good else self.outcome,
                wall_seconds=seconds,
                cpu_seconds=seconds,
                peak_memory_bytes=1 << 20,
                weights=self._make_weights(request, order.original, order.seed, ours=ours) if good else None,
                log="printed",
                error="" if good else self.error,
                traceback="",
            )
            delivered += 1
            if not on_replica(result):
                stopped = True
                break
        return RunResult(self.name, delivered, 0.1, self.sandbox_error, stopped)

    def _make_weights(self, request: RunRequest, original: int, seed: int, *, ours: bool) -> bytes | None:
        generator = torch.Generator().manual_seed(seed % (1 << 62))
        state = {
            name: value + 0.05 * torch.randn(value.shape, generator=generator)
            for name, value in sorted(load(request.originals[original]).items())  # safetensors keeps no order
        }
        weights = bytes(save(state))
        return weights if ours else self.bend(weights)


def make_spec(**evaluation: object) -> ProblemSpec:
    """Digits, cut down to what trains in a moment."""
    spec = find_problem("digits")
    rules = {"replicas": 16, "canary_replicas": 2, "shard_replicas": 7, "calibration_replicas": 2, **evaluation}
    return ProblemSpec.model_validate(
        spec.model_dump(mode="json")
        | {
            "recipe": spec.recipe.model_dump() | {"epochs": 2},
            "split": spec.split.model_dump() | {"train": 128, "test": 64},
            "pools": spec.pools.model_dump() | {"replicas": 16},
            "evaluation": spec.evaluation.model_dump() | rules,
        }
    )


def make_settings(folder: Path) -> Settings:
    return Settings(data_folder=folder, lease_seconds=30.0, workers=1)


@dataclass
class Platform:
    context: WorkerContext
    sandbox: FakeSandbox
    engine: Engine

    def step(self) -> int:
        """Deliver every message in the outbox once; return how many there were."""
        with transaction(self.engine) as session:
            rows = outbox.fetch_unsent(session, utc_now())
            for row in rows:
                outbox.delete_message(session, row.id)
        for row in rows:
            DELIVER[row.task](self.context, row.object_id)
        return len(rows)

    def take_one(self) -> bool:
        """Deliver the message that a single worker would take next."""
        with transaction(self.engine) as session:
            rows = outbox.fetch_unsent(session, utc_now(), limit=1)
            for row in rows:
                outbox.delete_message(session, row.id)
        for row in rows:
            DELIVER[row.task](self.context, row.object_id)
        return bool(rows)

    def run_until_quiet(self) -> None:
        while self.step():
            pass

    def run_without_pauses(self, evaluation_id: str) -> None:
        """As if the pauses between two tries at a score took no time, and a janitor reminded of it after each."""
        for _ in range(SCORE_TRIES + 1):
            self.run_until_quiet()
            with transaction(self.engine) as session:
                evaluation = evaluations.lock_evaluation(session, evaluation_id)
                assert evaluation is not None
                if evaluation.status == Status.SCORING:
                    evaluation.scoring_until = None
                    outbox.store_message(session, SCORE, evaluation_id)

    def drop_messages(self) -> list[tuple[str, str]]:
        with transaction(self.engine) as session:
            rows = outbox.fetch_unsent(session, utc_now())
            for row in rows:
                outbox.delete_message(session, row.id)
        return [(row.task, row.object_id) for row in rows]

    def open_competition(self, spec: ProblemSpec) -> Competition:
        if self._is_as_made():
            settings = self.context.settings
            open_once(spec, self.engine, settings.store_folder, self.sandbox.requests, lambda: self._prepare(spec))
        else:
            self._prepare(spec)
        with reading(self.engine) as session:
            competition = competitions.fetch_competition(session, spec.slug)
        assert competition is not None
        return competition

    def _is_as_made(self) -> bool:
        settings = self.context.settings
        is_plain = settings == make_settings(settings.data_folder) and self.sandbox == FakeSandbox()
        return is_plain and is_untouched(self.engine)

    def _prepare(self, spec: ProblemSpec) -> None:
        with transaction(self.engine) as session:
            register_competition(session, spec)
        self.run_until_quiet()

    def submit(self, competition: Competition, source: bytes = HONEST, *, purpose: str = "ranked") -> str:
        """Return the evaluation's id."""
        with transaction(self.engine) as session:
            user = User(name=hashlib.sha256(source + purpose.encode()).hexdigest()[:12], password_hash="!")
            session.add(user)
            session.flush()
            submission = Submission(
                competition_id=competition.id,
                user_id=user.id,
                filename="mine.py",
                source_digest=self.context.store.put(source),
                purpose=purpose,
            )
            session.add(submission)
            session.flush()
            return open_evaluation(session, submission, competition.spec).id


DELIVER = {
    VALIDATE: validation.validate_data_set,
    RUN_SHARD: shards.run_shard,
    SCORE: scores.score_evaluation,
    DECIDE: looks.decide_evaluation,
    PREPARE: preparation.prepare_problem,
    BUILD_CHUNK: preparation.build_pool_chunk,
    PREVIEW: preview.preview_problem,
}


@contextmanager
def make_platform(folder: Path) -> Iterator[Platform]:
    # nobody listens there, so every message stays in the outbox until the test delivers it
    old, celery_app.conf.broker_url = celery_app.conf.broker_url, f"redis+socket://{folder / 'nobody.sock'}"
    settings = make_settings(folder)
    engine, sandbox = make_database(folder), FakeSandbox()
    context = WorkerContext(settings, engine, FolderStore(folder / "store"), sandbox)
    yield Platform(context, sandbox, engine)
    celery_app.conf.broker_url = old


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with make_platform(tmp_path) as made:
        yield made
