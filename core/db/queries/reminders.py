"""SQL about work that waits for a message to reach a worker: what is lost if the message is."""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.orm import Session, joinedload, load_only

from core.db.models.contests import Competition
from core.db.models.data_sets import DataSetVersion
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Pool, PoolChunk, Problem
from core.db.models.submissions import Evaluation, Shard, Submission
from core.db.queries.evaluations import LIVE
from core.db.queries.rejudges import waits_for_resumption
from core.domain.competition import CompetitionState
from core.domain.leaderboard import Purpose
from core.domain.phases import PhaseState
from core.domain.pools import PoolState
from core.domain.submission import Status
from core.domain.work import WorkState

BEGUN = (Status.CANARY, Status.RUNNING)
_LIGHT = load_only(Evaluation.rejudge_id)  # every sweep reads them: no logs and no draws


def fetch_free_shards(session: Session) -> list[tuple[str, Evaluation]]:
    """Shards that any worker may begin, with their evaluations; what a paused rejudge has not begun is not wanted."""
    is_wanted = Evaluation.status.in_((Status.QUEUED, *BEGUN)) & ~waits_for_resumption()
    query = select(Shard.id, Evaluation).join(Evaluation).where(Shard.state == WorkState.PENDING, is_wanted)
    rows = session.execute(query.options(_LIGHT).order_by(Shard.id))
    return [(shard_id, evaluation) for shard_id, evaluation in rows]


def fetch_unscored(session: Session, now: datetime) -> list[Evaluation]:
    """Evaluations to be scored that no worker is scoring."""
    is_free = or_(Evaluation.scoring_until.is_(None), Evaluation.scoring_until <= now)
    query = select(Evaluation).where(Evaluation.status == Status.SCORING, is_free)
    return list(session.scalars(query.options(_LIGHT).order_by(Evaluation.id)))


def fetch_free_chunks(session: Session) -> list[str]:
    query = select(PoolChunk.id).join(Pool)
    query = query.where(PoolChunk.state == WorkState.PENDING, Pool.state != PoolState.RETIRED)
    return list(session.scalars(query.order_by(PoolChunk.id)))


def fetch_unread_data_sets(session: Session) -> list[str]:
    query = select(DataSetVersion.id).where(DataSetVersion.state == WorkState.PENDING)
    return list(session.scalars(query.where(DataSetVersion.revoked_at.is_(None)).order_by(DataSetVersion.id)))


def fetch_idle_problems(session: Session, now: datetime) -> list[str]:
    """Problems that competitions or phases wait for, without a fault, while nothing is done for them."""
    wanted = _is_wanted(Competition.fault == "", Phase.fault == "")
    query = select(EvaluationSpec.problem_id).where(wanted & _is_idle(now)).distinct()
    return list(session.scalars(query.order_by(EvaluationSpec.problem_id)))


def fetch_unprepared(session: Session, now: datetime) -> list[EvaluationSpec]:
    """Specs of such problems, also of those at which preparing failed."""
    query = select(EvaluationSpec).where(_is_wanted(true(), true()) & _is_idle(now))
    return list(session.scalars(query.options(joinedload(EvaluationSpec.problem)).order_by(EvaluationSpec.id)))


def _is_wanted(competition_may: ColumnElement[bool], phase_may: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a competition or a phase of which this holds waits for a spec."""
    competition_waits = exists().where(
        Competition.spec_id == EvaluationSpec.id,
        Competition.state == CompetitionState.PREPARING,
        Competition.prepared_at.is_(None),
        competition_may,
    )
    phase_waits = exists().where(Phase.spec_id == EvaluationSpec.id, Phase.state == PhaseState.PREPARING, phase_may)
    return competition_waits | phase_waits


def _is_idle(now: datetime) -> ColumnElement[bool]:
    """No worker loads the problem of a spec, no chunk of it is to be trained and no calibration is under way."""
    is_built = exists().where(Pool.problem_id == EvaluationSpec.problem_id, Pool.state == PoolState.BUILDING)
    is_measured = exists().where(
        Evaluation.spec_id == EvaluationSpec.id,
        Evaluation.submission_id == Submission.id,
        Submission.purpose == Purpose.CALIBRATION,
        Evaluation.status.in_(LIVE),
    )
    is_loaded = exists().where(Problem.id == EvaluationSpec.problem_id, Problem.preparing_until > now)
    return ~is_loaded & ~is_built & ~is_measured
