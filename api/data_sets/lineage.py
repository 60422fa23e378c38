"""What descends from a data set version, and taking a version back."""

from sqlalchemy.orm import Session

from api.data_sets.schemas import CompetitionOfData, Lineage, PoolOfData, ProblemOfData, RevocationView, SpecOfData
from api.data_sets.service import load_version, make_view
from api.deps import Caller
from core.db.base import utc_now
from core.db.models.data_sets import DataSetVersion
from core.db.models.problems import EvaluationSpec, Problem
from core.db.queries import audit, competitions, data_sets
from core.domain.competition import CompetitionState
from core.domain.data_sets import DataSetStatus
from core.domain.errors import Conflict


def find_lineage(session: Session, version: DataSetVersion) -> Lineage:
    rows = data_sets.fetch_problems_on(session, version.digest) if version.digest else []
    return Lineage(reference=make_view(version).reference, problems=[_make_problem(session, row) for row in rows])


def describe(lineage: Lineage) -> str:
    specs = [spec for problem in lineage.problems for spec in problem.specs]
    waiting = {row.slug for spec in specs for row in spec.competitions}
    scored = sum(spec.scored for spec in specs)
    return (
        f"{len(lineage.problems)} problems and {len(waiting)} competitions take no new work: "
        f"no training, no submissions, no rejudging; what runs ends, and {scored} scores stay."
    )


def revoke(
    session: Session, name: str, number: int, reason: str, caller: Caller, *, dry_run: bool = False
) -> RevocationView:
    version = load_version(session, name, number)
    if version.status is not DataSetStatus.READY:
        raise Conflict(f"{name}@{number} is {version.status}: only a ready version can be revoked")
    lineage = find_lineage(session, version)
    if not dry_run:
        version.revoked_at, version.revoked_reason = utc_now(), reason
        _stop_preparing(session, lineage)
        detail = {"reason": reason, "digest": version.digest, "lineage": describe(lineage)}
        subject = f"data_set/{name}@{number}"
        audit.record(session, actor=caller.name, action="data_set.revoke", subject=subject, detail=detail)
    return RevocationView(
        applied=not dry_run, version=make_view(version), lineage=lineage, consequence=describe(lineage)
    )


def _stop_preparing(session: Session, lineage: Lineage) -> None:
    """Say it where people wait; chunks that are not trained yet find out by themselves."""
    slugs = [row.slug for problem in lineage.problems for spec in problem.specs for row in spec.competitions]
    for slug in slugs:
        row = competitions.fetch_competition(session, slug)
        if row is not None and row.state == CompetitionState.PREPARING:
            row.fault = data_sets.REVOKED


def _make_problem(session: Session, row: Problem) -> ProblemOfData:
    pools = [
        PoolOfData(kind=pool.kind, state=pool.state, size=pool.size)
        for pool in competitions.fetch_pools(session, row.id)
    ]
    specs = competitions.fetch_specs_of_problem(session, row.id)
    return ProblemOfData(
        slug=row.slug, digest=row.digest, pools=pools, specs=[_make_spec(session, spec) for spec in specs]
    )


def _make_spec(session: Session, spec: EvaluationSpec) -> SpecOfData:
    evaluations, scored = data_sets.count_evaluations(session, spec.id)
    rows = competitions.fetch_competitions_of_spec(session, spec.id)
    rows += competitions.fetch_competitions_of_private_spec(session, spec.id)
    now = utc_now()
    found = [CompetitionOfData(slug=row.slug, state=row.state_at(now)) for row in rows]
    return SpecOfData(digest=spec.digest, evaluations=evaluations, scored=scored, competitions=found)
