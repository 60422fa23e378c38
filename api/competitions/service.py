"""Competitions, their problem cards and what a participant may still submit."""

import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api.competitions.schemas import (
    BudgetSeconds,
    ClassSizes,
    CompetitionSummary,
    CompetitionView,
    CoverView,
    HeadroomView,
    LimitsView,
    PoolView,
    PracticeLimits,
    PracticeView,
    Preparation,
    Revealed,
    RevealedPhase,
)
from api.deps import ANONYMOUS, Caller
from core.db.base import utc_now
from core.db.models.contests import Competition
from core.db.models.problems import EvaluationSpec, Pool, Problem
from core.db.queries import competitions, evaluations, grants, phases, rules
from core.domain.access import Action
from core.domain.commitments import commit
from core.domain.competition import CompetitionState, PreparationStage
from core.domain.errors import NotFound
from core.domain.exposure import (
    DESCRIPTION,
    PROBLEM,
    Audience,
    Exposure,
    Reader,
    Sight,
    Stage,
    may_see,
    sees_plain,
    select_fields,
)
from core.domain.headroom import Headroom
from core.domain.images import make_address
from core.domain.phases import PhaseKind, PhaseState, find_stage
from core.domain.pools import PoolKind, PoolState, estimate_seconds_left
from core.domain.quota import Allowance, next_reset, start_of_day
from core.domain.work import WorkState
from core.problem_parts import Gate
from core.problems import ProblemSpec
from core.settings import Settings


def load_competition(session: Session, slug: str, caller: Caller | None = None) -> Competition:
    """One competition; a draft is there for staff alone, and only where the caller is named."""
    competition = competitions.fetch_competition(session, slug)
    if competition is None or not is_visible(competition, caller):
        raise NotFound(f"no competition named {slug!r}")
    return competition


def list_visible(session: Session, caller: Caller) -> list[Competition]:
    return [row for row in competitions.fetch_competitions(session) if is_visible(row, caller)]


def is_visible(competition: Competition, caller: Caller | None) -> bool:
    is_staff = caller is not None and caller.may(Action.READ_ANY_SUBMISSION)
    return is_staff or competition.state != CompetitionState.DRAFT


def get_exposure(competition: Competition) -> Exposure:
    return competition.spec.terms.problem.exposure


def find_sight(spec: EvaluationSpec, caller: Caller, stage: Stage = Stage.RUNNING) -> Sight:
    """As whom the caller looks at a problem: nobody is the author of a competition."""
    is_staff = caller.may(Action.READ_ANY_SUBMISSION)
    return Sight(Reader.STAFF if is_staff else Reader.ANYBODY, spec.terms.problem.exposure, stage)


def find_key(competition: Competition, spec: EvaluationSpec, caller: Caller) -> str | None:
    """What the digests of a spec are shown to the caller under; None: they are shown as they are."""
    return None if sees_plain(find_sight(spec, caller)) else competition.commitment_key


def make_summary(competition: Competition) -> CompetitionSummary:
    return CompetitionSummary(**_summarize(competition))


def make_view(session: Session, settings: Settings, competition: Competition, caller: Caller) -> CompetitionView:
    spec = competition.spec
    key = find_key(competition, spec, caller)
    problem = select_fields(spec.problem.spec, PROBLEM, find_sight(spec, caller))
    return CompetitionView(
        **_summarize(competition),
        overview=competition.overview,
        rules_version=find_rules_version(session, competition),
        fault=competition.fault,
        metric_version=spec.terms.metric_version,
        spec_digest=commit(key, spec.digest) if key else spec.digest,
        problem_digest=commit(key, spec.problem.digest) if key else spec.problem.digest,
        revealed=find_revealed(session, competition),
        daily_limit=competition.daily_limit,
        concurrent_limit=competition.concurrent_limit,
        total_limit=competition.total_limit,
        selection_limit=competition.selection_limit,
        publish_approvals=competition.publish_approvals,
        private_phase=find_private_state(session, competition),
        practice=make_practice_view(session, competition, caller),
        upload_bytes=settings.upload_bytes,
        preparation=find_preparation(session, competition),
        forget_request=_make_request(spec.problem, key),
        problem=problem,
        evaluation=problem["evaluation"],
        description=make_description(spec, caller),
        class_counts=make_class_counts(spec, caller),
        budget_seconds=list_budget_seconds(session, spec),
        headroom=make_headroom(spec.problem.headroom),
    )


def make_description(spec: EvaluationSpec, caller: Caller) -> dict[str, str] | None:
    stored = spec.problem.description
    return None if stored is None else select_fields(stored, DESCRIPTION, find_sight(spec, caller))


def make_class_counts(spec: EvaluationSpec, caller: Caller) -> list[ClassSizes] | None:
    """Whoever could count the classes of hidden splits would know which of them something was drawn from."""
    stored = spec.problem.class_counts
    if stored is None or not sees_plain(find_sight(spec, caller)):
        return None
    names = stored["classes"] or [""]
    return [
        ClassSizes(name=name, **{split: counts[place] for split, counts in stored["counts"].items()})
        for place, name in enumerate(names)
    ]


def list_budget_seconds(session: Session, spec: EvaluationSpec) -> list[BudgetSeconds]:
    """By the median of the retrainings that were timed; the gate itself compares runs with yardsticks beside them."""
    rules, found = spec.terms.evaluation, []
    for row in competitions.fetch_all_calibrations(session, spec.id):
        clocks = ("cpu",) if rules.gate is Gate.CPU else ("cpu", "wall")
        retrain = max(statistics.median(row.seconds[clock]) for clock in clocks)
        found.append(
            BudgetSeconds(node_class=row.node_class, seconds=rules.compute_budget * retrain, retrain_seconds=retrain)
        )
    return found


def make_headroom(stored: Mapping[str, Any] | None) -> HeadroomView | None:
    if stored is None:
        return None
    found = Headroom.read(stored)
    return HeadroomView(
        plain_ms=found.plain_ms,
        fastest_ms=found.fastest_ms,
        trainer=found.trainer,
        ratio=found.ratio,
        fit_for_prizes=found.is_fit_for_prizes,
    )


def find_rules_version(session: Session, competition: Competition) -> int | None:
    found = rules.fetch_rules(session, competition.id)
    return found.version if found and found.text else None


def find_private_state(session: Session, competition: Competition) -> PhaseState | None:
    found = phases.fetch_private_phase(session, competition.id)
    return found.state if found else None


def find_revealed(session: Session, competition: Competition) -> Revealed | None:
    """The key of the public digests, once nothing hangs on what they hide."""
    private = phases.fetch_private_phase(session, competition.id)
    stage = find_stage(competition.state, private.state if private else None)
    specs = {PhaseKind.PUBLIC: competition.spec} | ({PhaseKind.PRIVATE: private.spec} if private else {})
    hidden = {kind: spec for kind, spec in specs.items() if not spec.terms.is_open}
    shown = [may_see(Audience.AFTERWARDS, find_sight(spec, ANONYMOUS, stage)) for spec in hidden.values()]
    if not shown or not all(shown):
        return None
    return Revealed(key=competition.commitment_key, phases=[_reveal(kind, spec) for kind, spec in hidden.items()])


def make_practice_view(session: Session, competition: Competition, caller: Caller) -> PracticeView | None:
    found = phases.fetch_practice_phase(session, competition.id)
    if found is None:
        return None
    is_staff = caller.may(Action.READ_ANY_SUBMISSION)
    problem = select_fields(found.spec.problem.spec, PROBLEM, find_sight(found.spec, caller))
    return PracticeView(
        state=found.state,
        fault=found.fault if is_staff else "",
        daily_limit=competition.practice_daily_limit,
        concurrent_limit=competition.practice_concurrent_limit,
        problem=problem,
        description=make_description(found.spec, caller),
    )


def find_preparation(session: Session, competition: Competition) -> Preparation:
    rows = competitions.fetch_pools(session, competition.spec.problem_id)
    kinds = {row.kind: [each for each in rows if each.kind is row.kind] for row in rows}
    pools = [_make_pool_view(kind, of) for kind, of in kinds.items()]
    finished = sum(pool.finished for pool in pools)
    total = _count_models(competition.spec.terms.problem)
    stage = PreparationStage.POOLS if pools else PreparationStage.WAITING
    if pools and finished == total:
        stage = PreparationStage.CALIBRATION if competition.prepared_at is None else PreparationStage.PREPARED
    if competition.state not in (CompetitionState.DRAFT, CompetitionState.PREPARING):
        stage = PreparationStage.DONE
    left = None
    if stage is PreparationStage.POOLS:
        seconds = (utc_now() - min(row.created_at for row in rows)).total_seconds()
        left = estimate_seconds_left(finished, total, seconds)
    return Preparation(stage=stage, finished=finished, total=total, seconds_left=left, pools=pools)


def find_allowance(session: Session, competition: Competition, user_id: str, now: datetime) -> Allowance:
    today = start_of_day(now)
    return Allowance(
        daily_limit=competition.daily_limit,
        used=evaluations.count_submissions_since(session, competition.id, user_id, today),
        concurrent_limit=competition.concurrent_limit,
        running=evaluations.count_live_submissions(session, competition.id, user_id),
        resets_at=next_reset(now),
        total_limit=competition.total_limit,
        total_used=evaluations.count_submissions_since(session, competition.id, user_id),
        granted=grants.sum_grants(session, competition.id, user_id),
        granted_today=grants.sum_grants(session, competition.id, user_id, today),
    )


def find_practice_allowance(session: Session, competition: Competition, user_id: str, now: datetime) -> Allowance:
    """Counted apart: practice takes nothing from the public phase, nor the other way round."""
    of, phase = (session, competition.id, user_id), PhaseKind.PRACTICE
    return Allowance(
        daily_limit=competition.practice_daily_limit,
        used=evaluations.count_submissions_since(*of, start_of_day(now), phase=phase),
        concurrent_limit=competition.practice_concurrent_limit,
        running=evaluations.count_live_submissions(*of, phase=phase),
        resets_at=next_reset(now),
        noun="practice submissions",
    )


def make_limits(session: Session, settings: Settings, competition: Competition, caller: Caller) -> LimitsView:
    allowance = find_allowance(session, competition, caller.member_id, utc_now())
    return LimitsView(
        daily_limit=allowance.daily_limit,
        used=allowance.used,
        left=allowance.left,
        resets_at=allowance.resets_at,
        total_limit=allowance.total_limit,
        total_used=allowance.total_used,
        total_left=allowance.total_left,
        granted=allowance.granted,
        granted_today=allowance.granted_today,
        concurrent_limit=allowance.concurrent_limit,
        running=allowance.running,
        practice=_make_practice_limits(session, competition, caller),
        upload_bytes=settings.upload_bytes,
    )


def _make_practice_limits(session: Session, competition: Competition, caller: Caller) -> PracticeLimits | None:
    if phases.fetch_practice_phase(session, competition.id) is None:
        return None
    allowance = find_practice_allowance(session, competition, caller.member_id, utc_now())
    return PracticeLimits.model_validate(allowance, from_attributes=True)


def _summarize(competition: Competition) -> dict[str, Any]:
    terms = competition.spec.terms
    return {
        "slug": competition.slug,
        "title": competition.title,
        "summary": competition.summary,
        "cover": _make_cover(competition),
        "state": competition.state_at(utc_now()),
        "closes_at": competition.closes_at,
        "exposure": get_exposure(competition),
        "protocol": terms.protocol,
        "compute_budget": terms.evaluation.compute_budget,
        "replicas": terms.evaluation.replicas,
        "created_at": competition.created_at,
    }


def _make_cover(competition: Competition) -> CoverView | None:
    if competition.cover is None:
        return None
    return CoverView(address=make_address(competition.slug, competition.cover), alt=competition.cover_alt)


def _make_pool_view(kind: PoolKind, pools: Sequence[Pool]) -> PoolView:
    """Those of all requests together, as far as the one that is furthest behind."""
    chunks = [chunk for pool in pools for chunk in pool.chunks]
    finished = sum(chunk.count for chunk in chunks if chunk.state == WorkState.DONE)
    state = min((pool.state for pool in pools), key=list(PoolState).index)
    return PoolView(kind=kind, state=state, finished=finished, total=sum(pool.size for pool in pools))


def _reveal(kind: PhaseKind, spec: EvaluationSpec) -> RevealedPhase:
    request = spec.problem.manifest
    return RevealedPhase(
        phase=kind,
        spec_digest=spec.digest,
        problem_digest=spec.problem.digest,
        forget_digest=str(request["digest"]) if request else None,
    )


def _make_request(problem: Problem, key: str | None) -> dict[str, Any] | None:
    request = problem.manifest
    return request | {"digest": commit(key, request["digest"])} if request and key else request


def _count_models(problem: ProblemSpec) -> int:
    """Originals, the retrained pool, and a control bank of the same size, for each request."""
    return (problem.pools.originals + 2 * problem.pools.replicas) * len(problem.requests)
