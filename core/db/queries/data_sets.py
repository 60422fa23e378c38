"""SQL about data sets and their versions."""

from collections.abc import Callable, Sequence

from sqlalchemy import String, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, joinedload, selectinload

from core.db.models.data_sets import DataSet, DataSetVersion
from core.db.models.problems import EvaluationSpec, Pool, PoolChunk, Problem
from core.db.models.submissions import Evaluation, Submission
from core.domain.data_sets import Reference
from core.domain.leaderboard import Purpose
from core.domain.submission import Status
from core.problems import ProblemSpec

INSERTS: dict[str, Callable[..., postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}  # two may make the same data set at once
REVOKED = "the data set was revoked: apply the file again with another one"


def fetch_data_sets(session: Session) -> list[DataSet]:
    query = select(DataSet).options(selectinload(DataSet.versions).joinedload(DataSetVersion.data_set))
    return list(session.scalars(query.order_by(DataSet.name)))


def add_version(session: Session, name: str, version: DataSetVersion) -> DataSetVersion:
    """Give the version the next number of its data set, which is made with its first."""
    insert = INSERTS[session.get_bind().dialect.name]
    session.execute(insert(DataSet).values(name=name).on_conflict_do_nothing(index_elements=["name"]))
    data_set = session.scalars(select(DataSet).where(DataSet.name == name).with_for_update()).one()
    last = select(func.max(DataSetVersion.number)).where(DataSetVersion.data_set_id == data_set.id)
    number = (session.scalars(last).one() or 0) + 1
    session.add(version)
    version.data_set, version.number = data_set, number
    session.flush()
    return version


def fetch_version(session: Session, version_id: str) -> DataSetVersion | None:
    query = select(DataSetVersion).where(DataSetVersion.id == version_id)
    return session.scalars(query.options(joinedload(DataSetVersion.data_set))).one_or_none()


def fetch_revoked(session: Session, digest: str) -> DataSetVersion | None:
    """The revoked version with these tensors, under whatever name: what is revoked is the data."""
    query = select(DataSetVersion).where(DataSetVersion.digest == digest, DataSetVersion.revoked_at.is_not(None))
    return session.scalars(query.options(joinedload(DataSetVersion.data_set)).limit(1)).one_or_none()


def is_revoked(session: Session, problem: ProblemSpec) -> bool:
    """Whether it is on data that no new work may begin on."""
    named = problem.data.reference
    return named is not None and fetch_revoked(session, named.rpartition("@")[2]) is not None


def is_chunk_revoked(session: Session, chunk_id: str) -> bool:
    query = select(Problem).join(Pool, Pool.problem_id == Problem.id).join(PoolChunk)
    problem = session.scalars(query.where(PoolChunk.id == chunk_id)).one_or_none()
    return problem is not None and is_revoked(session, problem.parsed)


def fetch_problems_on(session: Session, digest: str) -> list[Problem]:
    """Problems on these tensors, under whatever name."""
    likely = session.scalars(select(Problem).where(cast(Problem.spec, String).contains(digest)).order_by(Problem.slug))
    return [row for row in likely if (row.parsed.data.reference or "").endswith(f"@{digest}")]


def count_evaluations(session: Session, spec_id: str) -> tuple[int, int]:
    """All of participants and staff under a spec, and those of them with a score."""
    query = select(func.count(), func.count(Evaluation.score)).select_from(Evaluation).join(Submission)
    row = session.execute(query.where(Evaluation.spec_id == spec_id, Submission.purpose != Purpose.CALIBRATION)).one()
    return row[0], row[1]


def fetch_live_evaluations(session: Session, problem_ids: Sequence[str]) -> list[Evaluation]:
    """Whatever is evaluated on these problems now: of participants, staff, rejudges, calibrations, private phases."""
    query = (
        select(Evaluation)
        .join(EvaluationSpec, EvaluationSpec.id == Evaluation.spec_id)
        .where(EvaluationSpec.problem_id.in_(problem_ids), Evaluation.status != Status.FINISHED)
        .options(
            joinedload(Evaluation.submission).options(
                joinedload(Submission.user), joinedload(Submission.team), joinedload(Submission.competition)
            )
        )
    )
    return list(session.scalars(query.order_by(Evaluation.id)))


def find_versions(session: Session, reference: Reference) -> list[DataSetVersion]:
    """The versions that a reference may mean; several when the beginning of a digest is too short."""
    query = select(DataSetVersion).join(DataSet).where(DataSet.name == reference.name)
    if reference.number is not None:
        query = query.where(DataSetVersion.number == reference.number)
    else:
        query = query.where(DataSetVersion.digest.startswith(reference.digest or "", autoescape=True))
    return list(session.scalars(query.options(joinedload(DataSetVersion.data_set)).order_by(DataSetVersion.number)))
