"""SQL about competitions, problems, specs, pools and calibrations."""

from datetime import datetime

from sqlalchemy import CursorResult, String, cast, func, select, update
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from core.db.models.contests import Competition
from core.db.models.lifecycle import Phase
from core.db.models.problems import EvaluationSpec, Pool, PoolChunk, Problem
from core.db.models.submissions import Calibration, Evaluation, Submission
from core.domain.competition import CompetitionState
from core.domain.leaderboard import Purpose
from core.domain.work import WorkState


def fetch_competitions(session: Session) -> list[Competition]:
    query = select(Competition).options(joinedload(Competition.spec).joinedload(EvaluationSpec.problem))
    return list(session.scalars(query.order_by(Competition.created_at)))


def fetch_competition(session: Session, slug: str) -> Competition | None:
    query = (
        select(Competition)
        .where(Competition.slug == slug)
        .options(joinedload(Competition.spec).joinedload(EvaluationSpec.problem))
    )
    return session.scalars(query).one_or_none()


def lock_competition(session: Session, competition_id: str) -> Competition:
    """Lock one competition's row: quota is counted and spent under it."""
    return session.scalars(select(Competition).where(Competition.id == competition_id).with_for_update()).one()


def fetch_competitions_of_spec(session: Session, spec_id: str) -> list[Competition]:
    return list(session.scalars(select(Competition).where(Competition.spec_id == spec_id)))


def fetch_competitions_of_private_spec(session: Session, spec_id: str) -> list[Competition]:
    query = select(Competition).join(Phase, Phase.competition_id == Competition.id).where(Phase.spec_id == spec_id)
    return list(session.scalars(query))


def fetch_specs_of_problem(session: Session, problem_id: str) -> list[EvaluationSpec]:
    return list(session.scalars(select(EvaluationSpec).where(EvaluationSpec.problem_id == problem_id)))


def fetch_problem(session: Session, slug: str, digest: str) -> Problem | None:
    return session.scalars(select(Problem).where(Problem.slug == slug, Problem.digest == digest)).one_or_none()


def fetch_commitment_key(session: Session, competition_id: str) -> str:
    return session.scalars(select(Competition.commitment_key).where(Competition.id == competition_id)).one()


def fetch_problems_naming(session: Session, text: str) -> list[Problem]:
    """Every version of a problem in whose file the text stands."""
    return list(session.scalars(select(Problem).where(cast(Problem.spec, String).contains(text))))


def fetch_spec(session: Session, digest: str) -> EvaluationSpec | None:
    return session.scalars(select(EvaluationSpec).where(EvaluationSpec.digest == digest)).one_or_none()


def fetch_pools(session: Session, problem_id: str) -> list[Pool]:
    query = select(Pool).where(Pool.problem_id == problem_id).options(selectinload(Pool.chunks)).order_by(Pool.id)
    return list(session.scalars(query))


def fetch_chunk(session: Session, chunk_id: str) -> PoolChunk | None:
    query = (
        select(PoolChunk).where(PoolChunk.id == chunk_id).options(joinedload(PoolChunk.pool).joinedload(Pool.problem))
    )
    return session.scalars(query).one_or_none()


def lock_free_chunk(session: Session, chunk_id: str) -> PoolChunk | None:
    """One that no worker holds."""
    row = session.get(PoolChunk, chunk_id, with_for_update=True, populate_existing=True)
    return row if row is not None and row.state == WorkState.PENDING else None


def count_unfinished_chunks(session: Session, pool_id: str) -> int:
    query = (
        select(func.count())
        .select_from(PoolChunk)
        .where(PoolChunk.pool_id == pool_id, PoolChunk.state != WorkState.DONE)
    )
    return session.scalars(query).one()


def lock_pool(session: Session, pool_id: str) -> Pool:
    return session.scalars(select(Pool).where(Pool.id == pool_id).with_for_update()).one()


def lock_problem(session: Session, problem_id: str) -> Problem:
    return session.scalars(select(Problem).where(Problem.id == problem_id).with_for_update()).one()


def claim_preparation(session: Session, problem_id: str, *, now: datetime, until: datetime) -> bool:
    """Take the loading of a problem; False while another worker has it."""
    row = session.get(Problem, problem_id, with_for_update=True, populate_existing=True)
    if row is None or (row.preparing_until is not None and row.preparing_until > now):
        return False
    row.preparing_until = until
    return True


def renew_preparation(session: Session, problem_id: str, until: datetime) -> bool:
    query = update(Problem).where(Problem.id == problem_id, Problem.preparing_until.is_not(None))
    result = session.execute(query.values(preparing_until=until))
    return isinstance(result, CursorResult) and result.rowcount == 1


def end_preparation(session: Session, problem_id: str) -> None:
    session.execute(update(Problem).where(Problem.id == problem_id).values(preparing_until=None))


def fetch_calibration(session: Session, spec_id: str, node_class: str) -> Calibration | None:
    query = select(Calibration).where(Calibration.spec_id == spec_id, Calibration.node_class == node_class)
    return session.scalar(query)


def fetch_all_calibrations(session: Session, spec_id: str) -> list[Calibration]:
    query = select(Calibration).where(Calibration.spec_id == spec_id)
    return list(session.scalars(query.order_by(Calibration.node_class)))


def fetch_calibrated(session: Session) -> dict[str, set[str]]:
    """By slug, of what was not archived: the classes of node on which retraining was measured."""
    query = (
        select(Competition.slug, Calibration.node_class)
        .outerjoin(Calibration, Calibration.spec_id == Competition.spec_id)
        .where(Competition.state != CompetitionState.ARCHIVED)
        .order_by(Competition.slug)
    )
    found: dict[str, set[str]] = {}
    for slug, node_class in session.execute(query):
        found.setdefault(slug, set()).update({node_class} if node_class is not None else ())
    return found


def fetch_problem_by_id(session: Session, problem_id: str) -> Problem | None:
    return session.get(Problem, problem_id)


def fetch_calibration_runs(session: Session, spec_id: str, node_class: str) -> list[Evaluation]:
    """On one class of node, those that ended included, oldest first; "" is what ran before classes were kept."""
    query = (
        select(Evaluation)
        .join(Submission)
        .where(
            Evaluation.spec_id == spec_id,
            Evaluation.node_class.in_(("", node_class)),
            Submission.purpose == Purpose.CALIBRATION,
        )
        .options(contains_eager(Evaluation.submission))
    )
    return list(session.scalars(query.order_by(Evaluation.created_at)))
