"""Valid rows with every default filled in; a test names only what matters to it."""

import itertools
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.base import utc_now
from core.db.models.accounts import ApiToken, User
from core.db.models.contests import Competition, Team
from core.db.models.data_sets import DataSetVersion
from core.db.models.lifecycle import Phase
from core.db.models.operations import JanitorTurn, Node
from core.db.models.problems import EvaluationSpec, Pool, PoolChunk, Problem
from core.db.models.submissions import Evaluation, EvaluationEvent, Replica, Scorecard, Shard, Submission
from core.db.queries import boards, teams
from core.db.queries.data_sets import add_version
from core.domain.access import Role
from core.domain.competition import CompetitionState
from core.domain.data_sets import DataFormat, DataSetStatus
from core.domain.duties import Duty
from core.domain.exposure import Exposure
from core.domain.leaderboard import Purpose
from core.domain.phases import PhaseKind, PhaseState
from core.domain.pools import PoolKind
from core.domain.submission import Status, Verdict
from core.domain.work import WorkState
from core.problem_files import find_problem, parse_problem
from core.problems import ProblemSpec
from core.terms import write_terms
from tests.hidden_problems import HIDDEN_SEED, make_hidden_parts
from tests.scorecard_bodies import make_scorecard_body

_numbers = itertools.count(1)
SOURCE = b"def unlearning(net, retain_loader, forget_loader, val_loader):\n    return net\n"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 230" width="640" height="230">'
    '<rect x="40" y="60" width="90" height="150" fill="#3b82c4"/>'
    '<text x="40" y="40" fill="currentColor">a plot</text></svg>'
)


def make_problem_spec(**changes: Any) -> ProblemSpec:
    """Digits; where they are hidden, with seeds that a hidden phase may have."""
    spec = find_problem("digits")
    if changes.get("exposure", spec.exposure) is not Exposure.PRACTICE:
        changes = make_hidden_parts(spec) | changes
    return spec.model_copy(update=changes)


def make_user(session: Session, name: str = "", *, role: str = "participant") -> User:
    user = User(name=name or f"user{next(_numbers)}", password_hash="!", role=Role(role))
    session.add(user)
    session.flush()
    return user


def make_token(session: Session, user: User, secret_sha256: str, *, days: float = 1) -> ApiToken:
    token = ApiToken(user_id=user.id, secret_sha256=secret_sha256, expires_at=utc_now() + timedelta(days=days))
    session.add(token)
    session.flush()
    return token


SPLITS = ("retain", "forget", "validation", "test")


def make_competition(
    session: Session, slug: str = "", *, state: str = "open", exposure: str = "practice", **values: Any
) -> Competition:
    slug = slug or f"digits-{next(_numbers)}"
    spec = make_problem_spec(slug=slug, exposure=Exposure(exposure))
    manifest = {"kind": "random", "count": 128, "digest": "c" * 64}
    problem = Problem(
        slug=slug,
        digest=spec.digest,
        spec=spec.model_dump(mode="json"),
        manifest=manifest,
        description={"batches": "(x, y); 64 examples", "layers": "fc1, fc2", "classes": "zero, one"},
        class_counts={"classes": ["zero", "one"], "counts": {split: [70_717, 5] for split in SPLITS}},
    )
    session.add(problem)
    session.flush()
    body = write_terms(spec)
    row = EvaluationSpec(digest=f"{next(_numbers):064x}", problem_id=problem.id, body=body)
    session.add(row)
    session.flush()
    texts = {"title": spec.title, "summary": spec.summary, **values}
    competition = Competition(slug=slug, state=CompetitionState(state), spec_id=row.id, **texts)
    session.add(competition)
    session.flush()
    return competition


def make_private_phase(session: Session, competition: Competition, *, state: str = "ready") -> Phase:
    return make_phase(session, competition, "private", state=state)


def make_practice_phase(session: Session, competition: Competition, *, state: str = "ready") -> Phase:
    return make_phase(session, competition, "practice", state=state)


def make_phase(session: Session, competition: Competition, kind: str, *, state: str) -> Phase:
    """A phase under a spec of its own, whose exposure is called as the phase is."""
    public = session.get_one(EvaluationSpec, competition.spec_id)
    spec = parse_problem(public.body["problem"], source="a test")
    parts = make_hidden_parts(spec, first=HIDDEN_SEED + 10) if kind == "private" else {}
    if kind == "practice":
        parts = {name: getattr(find_problem("digits"), name) for name in ("split", "forget", "pools")}
    problem = spec.model_copy(update={**parts, "exposure": Exposure(kind)}).model_dump(mode="json")
    digest = f"{next(_numbers):064x}"
    row = Problem(slug=problem["slug"], digest=digest, spec=problem)
    session.add(row)
    session.flush()
    stored = EvaluationSpec(digest=digest, problem_id=row.id, body=public.body | {"problem": problem})
    session.add(stored)
    session.flush()
    phase = Phase(competition_id=competition.id, kind=PhaseKind(kind), spec_id=stored.id, state=PhaseState(state))
    session.add(phase)
    session.flush()
    return phase


def make_pool(session: Session, competition: Competition, kind: str = "retrained", *, done: int = 1) -> Pool:
    """A pool of four chunks of 64 models, the first `done` of them trained."""
    spec = session.get_one(EvaluationSpec, competition.spec_id)
    pool = Pool(problem_id=spec.problem_id, kind=PoolKind(kind), size=256)
    session.add(pool)
    session.flush()
    states = [WorkState.DONE] * done + [WorkState.PENDING] * (4 - done)
    session.add_all(
        PoolChunk(pool_id=pool.id, position=place, first=64 * place, count=64, state=state)
        for place, state in enumerate(states)
    )
    session.flush()
    return pool


def make_preview(session: Session, competition: Competition, **changes: Any) -> None:
    """What a worker found in the competition's problem."""
    spec = session.get_one(EvaluationSpec, competition.spec_id)
    problem = session.get_one(Problem, spec.problem_id)
    problem.preview = {
        "made_at": "2030-01-01T00:00:00+00:00",
        "fault": "",
        "classes": ["cat", "dog"],
        "counts": {"retain": [40, 44], "forget": [5, 7], "validation": [6, 6], "test": [20, 20]},
        "forget": {"kind": "random", "count": 12, "digest": "d" * 64},
        "samples": [{"digest": "e" * 64, "id": 17, "class": "cat", "clean_class": "dog"}],
        "pools": [{"kind": "retrained", "models": 256, "seconds": 900.0}],
        "headroom": {"plain_ms": 0.4, "fastest_ms": 0.1, "trainer": "numpy"},
    } | changes
    session.flush()


def make_submission(session: Session, competition: Competition, user: User, **values: Any) -> Submission:
    defaults = {"filename": "submission.py", "source_digest": "d" * 64}
    submission = Submission(competition_id=competition.id, user_id=user.id, **(defaults | values))
    session.add(submission)
    session.flush()
    return submission


def make_evaluation(
    session: Session,
    submission: Submission,
    *,
    status: str = "queued",
    verdict: str | None = None,
    finished: int = 0,
    card: dict[str, Any] | None = None,
    **values: Any,
) -> Evaluation:
    """An evaluation of 256 replicas with its canary shard and a history of moves; on the board, if it has ended."""
    spec_id = values.pop("spec_id", None) or session.get_one(Competition, submission.competition_id).spec_id
    if verdict is not None:
        status = "finished"
        values = {"finished_at": utc_now(), "refunded": verdict == Verdict.PLATFORM_ERROR, **values}
    evaluation = Evaluation(
        submission_id=submission.id,
        spec_id=spec_id,
        status=Status(status),
        verdict=Verdict(verdict) if verdict else None,
        replicas_total=256,
        **values,
    )
    session.add(evaluation)
    session.flush()
    state = WorkState.PENDING if status == Status.QUEUED else WorkState.LEASED
    session.add(
        Shard(
            evaluation_id=evaluation.id,
            position=0,
            first=0,
            count=8,
            state=WorkState.DONE if verdict else state,
            finished_replicas=finished,
        )
    )
    session.add(EvaluationEvent(evaluation_id=evaluation.id, status=Status.QUEUED))
    if status != Status.QUEUED:
        detail = str(values.get("reason", ""))
        session.add(
            EvaluationEvent(evaluation_id=evaluation.id, status=status, verdict=evaluation.verdict, detail=detail)
        )
    if card is not None:
        make_scorecard(session, evaluation, card)
    session.flush()
    if verdict is not None:
        boards.refresh_ended(session, submission.id, evaluation.spec_id, Verdict(verdict))
    return evaluation


def make_practised(
    session: Session, competition: Competition, user: User, phase: Phase, **values: Any
) -> tuple[Submission, Evaluation]:
    """A submission to the practice phase, and its evaluation."""
    submission = make_submission(session, competition, user, purpose=Purpose.PRACTICE)
    return submission, make_evaluation(session, submission, spec_id=phase.spec_id, phase=PhaseKind.PRACTICE, **values)


def make_scorecard(session: Session, evaluation: Evaluation, body: dict[str, Any] | None = None) -> Scorecard:
    card = Scorecard(
        evaluation_id=evaluation.id, body=body or make_scorecard_body(), epsilon_svg=SVG, confidence_svg=SVG
    )
    session.add(card)
    session.flush()
    return card


def make_scored(
    session: Session,
    competition: Competition,
    user: User,
    score: float = 0.5,
    *,
    runtime: float = 0.05,
    half_width: float = 0.03,
    verdict: str = "scored",
    evaluation: dict[str, Any] | None = None,
    report_digest: str = "",
    **values: Any,
) -> Submission:
    """A submission that ran to the end, with its scorecard."""
    submission = make_submission(session, competition, user, **values)
    body = make_scorecard_body(score, runtime=runtime, half_width=half_width)
    if report_digest:
        body["report_digest"] = report_digest
    make_evaluation(
        session,
        submission,
        verdict=verdict,
        card=body,
        finished=256,
        score=score,
        score_low=body["score"]["low"],
        score_high=body["score"]["high"],
        score_error=half_width / 2,
        relative_runtime=runtime,
        **(evaluation or {}),
    )
    return submission


def make_data_set_version(session: Session, name: str = "faces", *, sample_digest: str = "e" * 64) -> DataSetVersion:
    """A version that was read: two classes of twelve images."""
    summary = {
        "train": 24,
        "test": 0,
        "shape": [1, 6, 6],
        "dtype": "uint8",
        "bytes": 1000,
        "classes": [{"name": name, "train": 12, "test": 0} for name in ("cat", "dog")],
        "samples": [{"digest": sample_digest, "id": 0, "class": "cat"}],
    }
    version = DataSetVersion(
        format=DataFormat.NPZ,
        source_digest="d" * 64,
        state=WorkState.DONE,
        outcome=DataSetStatus.READY,
        digest=f"{next(_numbers):064x}",
        summary=summary,
        created_by="root",
    )
    return add_version(session, name, version)


def find_or_make_team(session: Session, competition: Competition, user: User) -> Team:
    return teams.fetch_team_of(session, competition.id, user.id) or teams.make_team_of_one(
        session, competition.id, user
    )


def turn_janitor(session: Session, **values: Any) -> None:
    """A janitor that did all it has to just now."""
    for duty in Duty:
        row = {"tried_at": utc_now(), "turned_at": utc_now(), "every_seconds": 5.0, "node": "node-1"} | values
        session.merge(JanitorTurn(duty=duty, **row))
    session.flush()


def make_node(session: Session, name: str = "node-1", **values: Any) -> Node:
    """A machine that reported just now."""
    defaults = {
        "node_class": "cpu",
        "device": "cpu",
        "sandbox": "bubblewrap",
        "version": "0.1.0",
        "workers": 4,
        "started_at": utc_now(),
        "last_seen_at": utc_now(),
    }
    node = Node(name=name, **(defaults | values))
    session.add(node)
    session.flush()
    return node


def make_replicas(session: Session, evaluation: Evaluation, count: int, *, cpu: float = 2.0, wall: float = 3.0) -> None:
    """Counted runs of the evaluation's first shard."""
    shard = session.scalars(select(Shard).where(Shard.evaluation_id == evaluation.id)).first()
    assert shard is not None
    evaluation.started_at = evaluation.started_at or utc_now()
    session.add_all(
        Replica(
            evaluation_id=evaluation.id,
            shard_id=shard.id,
            position=position,
            seed=str(position),
            cpu_seconds=cpu,
            wall_seconds=wall,
            peak_memory_bytes=1,
            weights_sha256="0" * 64,
        )
        for position in range(count)
    )
    session.flush()
