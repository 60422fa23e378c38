"""Two submissions side by side: whether their difference is more than noise, and every number of both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy.orm import Session

from api.competitions.service import find_private_state, find_sight, load_competition
from api.deps import Caller
from api.submissions import service
from api.submissions.blur import blur_number
from api.submissions.schemas import ComparedEpsilons, ComparedMetric, Comparison, Conclusion, SubmissionView
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import history
from core.domain.coarse import round_figure
from core.domain.comparison import CLEAR, Measured, compute_difference, compute_replication
from core.domain.errors import NotFound
from core.domain.phases import find_stage
from core.scorecard import EpsilonSummary, MetricLine, ScorecardRecord

CHOICES = 200
Write = Callable[[float | None], float | None]  # a number as the reader may see it


@dataclass(frozen=True, slots=True)
class _Side:
    submission: Submission
    evaluation: Evaluation
    record: ScorecardRecord

    @property
    def measured(self) -> Measured:
        row = self.evaluation
        return Measured(row.score or 0.0, row.score_error, tuple(row.score_draws or ()))

    @property
    def is_decided_early(self) -> bool:
        return (self.evaluation.scored_replicas or self.evaluation.replicas_total) < self.evaluation.replicas_total


@dataclass(frozen=True, slots=True)
class Figures:
    """Every number of one submission, by the id of its metric."""

    submission: SubmissionView
    values: dict[str, float | None]


class _OwnMetric(NamedTuple):
    """A figure of our own that every scorecard has, and where it stands there."""

    id: str
    name: str
    unit: str
    better: str
    find: Callable[[ScorecardRecord], float | None]


_SAID = frozenset({"rte_minutes"})  # by another line in another unit
_CLOSER = "closer to retrained"
_OWN_METRICS = (
    _OwnMetric("score", "score", "", "higher", lambda card: card.score.estimate),
    _OwnMetric("score_corrected", "corrected score", "", "higher", lambda card: card.score.corrected),
    _OwnMetric("neurips2023", "2023 score", "", "higher", lambda card: card.protocols.neurips2023),
    _OwnMetric("exact", "exact score", "", "higher", lambda card: card.protocols.exact),
    _OwnMetric("forgetting_quality", "forgetting quality", "", "higher", lambda card: card.forgetting_quality),
    _OwnMetric("epsilon_median", "median epsilon", "nats", "lower", lambda card: card.epsilon.median),
    _OwnMetric("utility", "utility", "", "higher", lambda card: card.utility.value),
    _OwnMetric(
        "relative_runtime", "relative runtime", "fraction", "lower", lambda card: card.relative_runtime.estimate
    ),
    _OwnMetric(
        "seconds_per_replica", "a replica", "seconds", "lower", lambda card: card.relative_runtime.seconds_per_replica
    ),
    _OwnMetric("replicas", "replicas", "models", "", lambda card: card.replicas.unlearned),
)
_TOP_ACCURACIES = (  # of scorecards from before there were metrics
    _OwnMetric("ua", "UA", "percent", _CLOSER, lambda card: card.unlearning_accuracy),
    _OwnMetric("ra", "RA", "percent", _CLOSER, lambda card: card.retain_accuracy),
    _OwnMetric("ta", "TA", "percent", _CLOSER, lambda card: card.test_accuracy),
)


def load_comparison(session: Session, slug: str, a: str, b: str, caller: Caller) -> Comparison:
    """For those who may see both scorecards; raises NotFound for anything else, and where nothing was scored."""
    competition = load_competition(session, slug, caller)
    first, second = (_load_side(session, competition.id, each, caller) for each in (a, b))
    doubt = _find_doubt(first, second)
    found = compute_difference(first.measured, second.measured)
    conclusion = Conclusion.NOT_COMPARABLE if doubt else _conclude(found.lead)
    sides = (service.look(session, each.submission, caller).is_coarse for each in (first, second))
    write = blur_number if any(sides) else _keep
    return Comparison(
        competition=slug,
        a=service.make_view(session, first.submission, caller, with_flags=False),
        b=service.make_view(session, second.submission, caller, with_flags=False),
        conclusion=conclusion,
        detail=doubt or _describe_conclusion(conclusion, found.second_is_better),
        difference=None if doubt else write(found.value),
        difference_error=None if doubt else write(found.error),
        is_paired=not doubt and found.is_paired,
        b_is_better=None if doubt else write(found.second_is_better),
        metrics=_write_differences(_list_metrics(first.record, second.record), write),
        epsilons=_pair_epsilons(first.record.epsilon, second.record.epsilon),
    )


def load_figures(session: Session, slug: str, submission_id: str, caller: Caller) -> Figures:
    """Of one more submission, to stand beside two that are compared."""
    side = _load_side(session, load_competition(session, slug, caller).id, submission_id, caller)
    values = {each.id: each.a for each in _list_metrics(side.record, side.record)}
    return Figures(service.make_view(session, side.submission, caller, with_flags=False), values)


def list_choices(session: Session, slug: str, caller: Caller) -> list[history.Choice]:
    """What the caller may compare: scored submissions of their team; of everybody for staff, and on open problems."""
    competition = load_competition(session, slug, caller)
    team = history.fetch_own_team(session, competition.id, caller.member_id)
    choices = history.fetch_choices(
        session,
        competition.id,
        user_id=None if service.is_staff(caller) else caller.member_id,
        team_id=team.id if team else None,
        limit=CHOICES,
        with_entries=competition.spec.terms.is_open,
    )
    sight = find_sight(
        competition.spec, caller, find_stage(competition.state, find_private_state(session, competition))
    )
    if not sight.is_coarse:
        return choices
    return [replace(each, score=round_figure(each.score)) for each in choices if not each.held_back]


def _load_side(session: Session, competition_id: str, submission_id: str, caller: Caller) -> _Side:
    submission = service.load_visible(session, submission_id, caller)
    if submission.competition_id != competition_id:
        raise NotFound("no such submission to this competition")
    record = service.load_scorecard(session, submission_id, caller)
    return _Side(submission, service.get_evaluation(submission), record)


def _find_doubt(first: _Side, second: _Side) -> str:
    """Why the two scores say nothing about each other; empty if they do."""
    if first.evaluation.spec_id != second.evaluation.spec_id:
        return "they were scored under different rules, against different models"
    if first.is_decided_early != second.is_decided_early:
        return "one of them was stopped early: scores of fewer replicas are higher and do not compare"
    return ""


def _conclude(lead: float) -> Conclusion:
    """lead: of B, in standard errors."""
    if abs(lead) < CLEAR:
        return Conclusion.WITHIN_NOISE
    return Conclusion.B_IS_BETTER if lead > 0 else Conclusion.A_IS_BETTER


def _describe_conclusion(conclusion: Conclusion, second_is_better: float) -> str:
    if conclusion is Conclusion.WITHIN_NOISE:
        return f"the difference is within noise: B is truly better with {_show_chances(second_is_better)}"
    better, sure = ("B", second_is_better) if conclusion is Conclusion.B_IS_BETTER else ("A", 1 - second_is_better)
    return f"{better} is better: truly with {_show_chances(sure)}"


def _show_chances(probability: float) -> str:
    again = _show_chance(compute_replication(probability))
    return f"{_show_chance(probability)}, and would score more again with {again}, were both run once more"


def _show_chance(probability: float) -> str:
    return "more than 99 %" if probability > 0.995 else f"{100 * probability:.0f} %"


def _keep(value: float | None) -> float | None:
    return value


def _list_metrics(a: ScorecardRecord, b: ScorecardRecord) -> list[ComparedMetric]:
    left, right = ({line.id: line for line in record.metrics or () if line.id not in _SAID} for record in (a, b))
    tops = [metric for metric in _TOP_ACCURACIES if metric.id not in left | right]
    own = [
        _compare(metric.id, metric.name, metric.unit, metric.better, metric.find(a), metric.find(b))
        for metric in (*_OWN_METRICS, *tops)
    ]
    return own + [_compare_lines(left.get(key), right.get(key), line) for key, line in (left | right).items()]


def _compare_lines(a: MetricLine | None, b: MetricLine | None, known: MetricLine) -> ComparedMetric:
    """The retrained value is of the pool that both stood beside; of different pools there is none in common."""
    values = [None if line is None else line.value for line in (a, b)]
    found = _compare(known.id, known.name, known.unit, known.better, *values)
    beside = {line.retrained for line in (a, b) if line is not None}
    return found.model_copy(update={"retrained": beside.pop() if len(beside) == 1 else None})


def _write_differences(metrics: list[ComparedMetric], write: Write) -> list[ComparedMetric]:
    return [each.model_copy(update={"difference": write(each.difference)}) for each in metrics]


def _compare(key: str, name: str, unit: str, better: str, a: float | None, b: float | None) -> ComparedMetric:
    difference = None if a is None or b is None else b - a
    return ComparedMetric(id=key, name=name, unit=unit, better=better, a=a, b=b, difference=difference, retrained=None)


def _pair_epsilons(a: EpsilonSummary, b: EpsilonSummary) -> ComparedEpsilons | None:
    if a.edges != b.edges:
        return None
    each = [list(side.per_example) for side in (a, b) if side.per_example is not None]
    is_paired = len(each) == 2 and len(each[0]) == len(each[1])
    return ComparedEpsilons(
        edges=list(a.edges),
        a=list(a.counts),
        b=list(b.counts),
        each_a=each[0] if is_paired else None,
        each_b=each[1] if is_paired else None,
    )
