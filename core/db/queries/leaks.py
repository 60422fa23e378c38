"""SQL about what runs on hidden problems have told teams (`core.domain.leaks`)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import Session

from core.db.models.contests import Competition, Team
from core.db.models.problems import EvaluationSpec, Problem
from core.db.models.submissions import Evaluation, Submission
from core.db.queries.evaluations import has_failed_repeatedly, is_charged_to
from core.domain.leaderboard import Purpose
from core.domain.leaks import count_told
from core.domain.phases import PhaseKind
from core.domain.submission import Hold, Status, Verdict


class Told(NamedTuple):
    """What one team's runs on one hidden problem came to."""

    competition: str
    limit: int
    problem: str
    problem_digest: str
    team: str
    runs: int
    climbs: int  # scores that moved it, and were told


def fetch_told(session: Session, competition_id: str | None = None) -> list[Told]:
    """Of every team and hidden problem, or of one competition's."""
    hidden = _list_hidden(session)
    query = (
        _select_counts(Competition.slug, Competition.leak_bits, Submission.team_id, EvaluationSpec.problem_id)
        .join(Competition, Competition.id == Submission.competition_id)
        .where(EvaluationSpec.problem_id.in_(hidden))
    )
    if competition_id is not None:
        query = query.where(Submission.competition_id == competition_id)
    names: Mapping[str | None, str] = {row.id: row.name for row in session.scalars(select(Team))}
    rows = session.execute(query).all()
    return [
        Told(slug, limit, hidden[problem].slug, hidden[problem].digest, names.get(team, ""), runs, climbs)
        for slug, limit, team, problem, runs, climbs in rows
    ]


def find_hold(session: Session, competition: Competition, evaluation: Evaluation, user_id: str) -> Hold | None:
    """Why a new evaluation of a user's, or the user's team's, waits for staff; None if it does not."""
    if has_failed_repeatedly(session, competition.id, user_id):
        return Hold.FAILURES
    spec = session.get_one(EvaluationSpec, evaluation.spec_id)
    if evaluation.phase is not PhaseKind.PUBLIC or spec.terms.is_open:
        return None
    query = _select_counts().where(is_charged_to(user_id, competition.id), EvaluationSpec.problem_id == spec.problem_id)
    counts = session.execute(query).all()
    told = sum(count_told(runs, climbs) for runs, climbs in counts)
    return Hold.LEAKS if told > competition.leak_bits else None


def _select_counts(*by: Any) -> Select[Any]:
    """Runs that began or wait, and those of them whose score was told, of what counts before the end."""
    is_told = (Evaluation.verdict == Verdict.SCORED) & Evaluation.held_back.is_(False) & Evaluation.counts.is_(True)
    return (
        select(*by, func.count(), func.coalesce(func.sum(case((is_told, 1), else_=0)), 0))
        .select_from(Evaluation)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(EvaluationSpec, EvaluationSpec.id == Evaluation.spec_id)
        .where(
            Submission.purpose == Purpose.RANKED,
            Evaluation.phase == PhaseKind.PUBLIC,
            or_(Evaluation.started_at.is_not(None), Evaluation.status != Status.FINISHED),
            or_(Evaluation.counts.is_(True), Evaluation.rejudge_id.is_(None)),
        )
        .group_by(*by)
    )


def _list_hidden(session: Session) -> dict[str, Problem]:
    return {row.id: row for row in session.scalars(select(Problem)) if not row.parsed.exposure.is_open}
