"""What descends from a data set version, and taking a version back."""

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy.orm import Session

from api.data_sets.schemas import (
    CompetitionOfData,
    Lineage,
    PoolOfData,
    ProblemOfData,
    RevocationView,
    RunningOfData,
    SpecOfData,
)
from api.data_sets.service import load_version, make_view
from api.deps import Caller
from core.db.base import utc_now
from core.db.models.data_sets import DataSetVersion
from core.db.models.problems import EvaluationSpec, Problem
from core.db.models.submissions import Evaluation
from core.db.queries import audit, competitions, data_sets
from core.domain.competition import CompetitionState
from core.domain.data_sets import DataSetStatus
from core.domain.errors import Conflict
from core.lifecycle import request_cancel


def find_lineage(session: Session, version: DataSetVersion) -> Lineage:
    rows = data_sets.fetch_problems_on(session, version.digest) if version.digest else []
    return Lineage(reference=make_view(version).reference, problems=[_make_problem(session, row) for row in rows])


def list_running(session: Session, version: DataSetVersion) -> list[RunningOfData]:
    rows = data_sets.fetch_problems_on(session, version.digest) if version.digest else []
    return [_make_running(row) for row in data_sets.fetch_live_evaluations(session, [row.id for row in rows])]


def describe(lineage: Lineage, running: Sequence[RunningOfData] = (), *, stop_running: bool = False) -> str:
    specs = [spec for problem in lineage.problems for spec in problem.specs]
    waiting = {row.slug for spec in specs for row in spec.competitions}
    scored = sum(spec.scored for spec in specs)
    return (
        f"{len(lineage.problems)} problems and {len(waiting)} competitions take no new work: "
        f"no training, no submissions, no rejudging; {_tell_running(len(running), stop_running=stop_running)}, "
        f"and {scored} scores stay."
    )


def revoke(
    session: Session,
    name: str,
    number: int,
    reason: str,
    caller: Caller,
    *,
    dry_run: bool = False,
    stop_running: bool = False,
) -> RevocationView:
    version = load_version(session, name, number)
    if version.status is not DataSetStatus.READY:
        raise Conflict(f"{name}@{number} is {version.status}: only a ready version can be revoked")
    lineage, running = find_lineage(session, version), list_running(session, version)
    consequence = describe(lineage, running, stop_running=stop_running)
    stopped = 0
    if not dry_run:
        version.revoked_at, version.revoked_reason = utc_now(), reason
        _stop_preparing(session, lineage)
        stopped = _stop(session, running, reason) if stop_running else 0
        detail = {"reason": reason, "digest": version.digest, "lineage": consequence, "stopped": stopped}
        subject = f"data_set/{name}@{number}"
        audit.record(session, actor=caller.name, action="data_set.revoke", subject=subject, detail=detail)
    return RevocationView(
        applied=not dry_run,
        version=make_view(version),
        lineage=lineage,
        running=running,
        stopped=stopped,
        consequence=consequence,
    )


def _stop(session: Session, running: Sequence[RunningOfData], reason: str) -> int:
    """A training chunk that runs is not stopped: it is short, and its problem is not prepared any more."""
    why = f"cancelled by the organizers, at no cost: the data was revoked ({reason})"
    stopped = 0
    for row in running:
        with suppress(Conflict):  # it ended meanwhile
            # one that its author had cancelled before is not ours, nor refunded
            stopped += request_cancel(session, row.evaluation_id, reason=why, refunded=True).refunded
    return stopped


def _tell_running(count: int, *, stop_running: bool) -> str:
    if not count:
        return "nothing runs on it"
    return f"{count} evaluations run on it and {'are cancelled, at no cost' if stop_running else 'go on to their end'}"


def _make_running(row: Evaluation) -> RunningOfData:
    submission = row.submission
    return RunningOfData(
        evaluation_id=row.id,
        competition=submission.competition.slug,
        by=submission.team.name if submission.team else submission.user.name,
        filename=submission.filename,
        purpose=submission.purpose,
        status=row.status,
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
