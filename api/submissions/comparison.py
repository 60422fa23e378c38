"""Two submissions side by side: whether their difference is more than noise, and every number of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from api.competitions.service import load_competition
from api.deps import Caller
from api.submissions import service
from api.submissions.schemas import ComparedEpsilons, ComparedMetric, Comparison, Conclusion
from core.db.models.submissions import Evaluation, Submission
from core.db.queries import history
from core.domain.comparison import Measured, compute_difference
from core.domain.errors import NotFound
from core.domain.leaderboard import TIED_BELOW

CHOICES = 200


@dataclass(frozen=True, slots=True)
class _Side:
    submission: Submission
    evaluation: Evaluation
    body: dict[str, Any]

    @property
    def measured(self) -> Measured:
        row = self.evaluation
        return Measured(row.score or 0.0, row.score_error, tuple(row.score_draws or ()))

    @property
    def is_decided_early(self) -> bool:
        return (self.evaluation.scored_replicas or self.evaluation.replicas_total) < self.evaluation.replicas_total


# id, name, unit, which way is better, where it stands in a scorecard
_OWN_METRICS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("score", "score", "", "higher", ("score", "estimate")),
    ("score_corrected", "corrected score", "", "higher", ("score", "corrected")),
    ("neurips2023", "2023 score", "", "higher", ("protocols", "neurips2023")),
    ("exact", "exact score", "", "higher", ("protocols", "exact")),
    ("forgetting_quality", "forgetting quality", "", "higher", ("forgetting_quality",)),
    ("epsilon_median", "median epsilon", "nats", "lower", ("epsilon", "median")),
    ("utility", "utility", "", "higher", ("utility", "value")),
    ("relative_runtime", "relative runtime", "fraction", "lower", ("relative_runtime", "estimate")),
    ("seconds_per_replica", "a replica", "seconds", "lower", ("relative_runtime", "seconds_per_replica")),
    ("replicas", "replicas", "models", "", ("replicas", "unlearned")),
)
_TOP_ACCURACIES = (("ua", "UA", "unlearning_accuracy"), ("ra", "RA", "retain_accuracy"), ("ta", "TA", "test_accuracy"))


def load_comparison(session: Session, slug: str, a: str, b: str, caller: Caller) -> Comparison:
    """For those who may see the inside of both; raises NotFound for anything else, and where nothing was scored."""
    competition = load_competition(session, slug, caller)
    first, second = (_load_side(session, competition.id, each, caller) for each in (a, b))
    doubt = _find_doubt(first, second)
    found = compute_difference(first.measured, second.measured)
    conclusion = Conclusion.NOT_COMPARABLE if doubt else _conclude(found.second_is_better)
    return Comparison(
        competition=slug,
        a=service.make_view(session, first.submission, caller, with_flags=False),
        b=service.make_view(session, second.submission, caller, with_flags=False),
        conclusion=conclusion,
        detail=doubt or _describe(conclusion, found.second_is_better),
        difference=None if doubt else found.value,
        difference_error=None if doubt else found.error,
        is_paired=not doubt and found.is_paired,
        b_is_better=None if doubt else found.second_is_better,
        metrics=_list_metrics(first.body, second.body),
        epsilons=_pair_epsilons(first.body["epsilon"], second.body["epsilon"]),
    )


def list_choices(session: Session, slug: str, caller: Caller) -> list[history.Choice]:
    """What the caller may compare: scored submissions of their team, or for staff of everybody."""
    competition = load_competition(session, slug, caller)
    team = history.fetch_own_team(session, competition.id, caller.member_id)
    return history.fetch_choices(
        session,
        competition.id,
        user_id=None if service.is_staff(caller) else caller.member_id,
        team_id=team.id if team else None,
        limit=CHOICES,
    )


def _load_side(session: Session, competition_id: str, submission_id: str, caller: Caller) -> _Side:
    submission = service.load_inside(session, submission_id, caller)
    if submission.competition_id != competition_id:
        raise NotFound("no such submission of yours to this competition")
    body = service.load_scorecard(session, submission_id, caller)
    return _Side(submission, service.get_evaluation(submission), body)


def _find_doubt(first: _Side, second: _Side) -> str:
    """Why the two scores say nothing about each other; empty if they do."""
    if first.evaluation.spec_id != second.evaluation.spec_id:
        return "they were scored under different rules, against different models"
    if first.is_decided_early != second.is_decided_early:
        return "one of them was stopped early: scores of fewer replicas are higher and do not compare"
    return ""


def _conclude(second_is_better: float) -> Conclusion:
    if second_is_better >= TIED_BELOW:
        return Conclusion.B_IS_BETTER
    return Conclusion.A_IS_BETTER if second_is_better <= 1 - TIED_BELOW else Conclusion.WITHIN_NOISE


def _describe(conclusion: Conclusion, second_is_better: float) -> str:
    if conclusion is Conclusion.WITHIN_NOISE:
        return f"the difference is within noise: B would score more with {_show(second_is_better)}, were both run again"
    better, chance = ("B", second_is_better) if conclusion is Conclusion.B_IS_BETTER else ("A", 1 - second_is_better)
    return f"{better} is better: it would score more with {_show(chance)}, were both run again"


def _show(probability: float) -> str:
    return "more than 99 %" if probability > 0.995 else f"{100 * probability:.0f} %"


def _list_metrics(a: dict[str, Any], b: dict[str, Any]) -> list[ComparedMetric]:
    own = [
        _compare(key, name, unit, better, _dig(a, path), _dig(b, path))
        for key, name, unit, better, path in _OWN_METRICS
    ]
    left, right = ({entry["id"]: entry for entry in body.get("metrics", [])} for body in (a, b))
    listed = [entry for key, entry in {**left, **right}.items()]
    more = [
        _compare(
            entry["id"],
            entry["name"],
            entry["unit"],
            entry.get("better", ""),
            left.get(entry["id"], {}).get("value"),
            right.get(entry["id"], {}).get("value"),
        )
        for entry in listed
    ]
    known = {entry.id for entry in more}
    closer = "closer to retrained"
    tops = [
        _compare(key, name, "percent", closer, a.get(field), b.get(field))
        for key, name, field in _TOP_ACCURACIES
        if key not in known
    ]
    return own + tops + more


def _compare(key: str, name: str, unit: str, better: str, a: float | None, b: float | None) -> ComparedMetric:
    difference = None if a is None or b is None else b - a
    return ComparedMetric(id=key, name=name, unit=unit, better=better, a=a, b=b, difference=difference)


def _dig(body: Mapping[str, Any], path: tuple[str, ...]) -> float | None:
    value: Any = body
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return None if value is None else float(value)


def _pair_epsilons(a: Mapping[str, Any], b: Mapping[str, Any]) -> ComparedEpsilons | None:
    if a["edges"] != b["edges"]:
        return None
    return ComparedEpsilons(edges=a["edges"], a=a["counts"], b=b["counts"])
