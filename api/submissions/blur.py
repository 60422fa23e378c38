"""A submission as participants of a hidden problem see it: how coarse is said by `core.domain.leaks`."""

from api.leaderboard.schemas import Interval
from api.submissions.schemas import DecidedEarly, Progress, Rejudged, SubmissionView
from core.domain.coarse import begin_minute, round_down_count, round_figure, round_up_share
from core.domain.exposure import Sight, tell_outcome
from core.domain.faults import HINTS, FaultCode
from core.domain.submission import Verdict, get_fault_owner


def blur_submission(view: SubmissionView, sight: Sight, *, is_held_back: bool) -> SubmissionView:
    if not sight.is_coarse:
        return view
    code = FaultCode(view.code) if view.code else None
    outcome = tell_outcome(view.verdict, code, has_run=view.started_at is not None, sight=sight)
    is_scored = view.verdict in (Verdict.SCORED, Verdict.OVER_BUDGET)
    return view.model_copy(
        update={
            "verdict": outcome.verdict,
            "code": outcome.code or "",
            "hint": HINTS[outcome.code] if outcome.code else "",
            "fault_of": get_fault_owner(outcome.verdict) if outcome.verdict else None,
            "progress": blur_progress(view.progress, is_whole=is_scored and view.decided_early is None),
            "decided_early": _blur_decision(view.decided_early),
            "rejudged": _blur_rejudge(view.rejudged, sight),
            "score": None if is_held_back else _blur_interval(view.score),
            "relative_runtime": blur_runtime(view.relative_runtime, view.compute_budget),
            "started_at": begin_minute(view.started_at),
            "finished_at": begin_minute(view.finished_at),
            "has_scorecard": view.has_scorecard and not is_held_back,
            "held_back": is_held_back,
        }
    )


def blur_progress(progress: Progress, *, is_whole: bool) -> Progress:
    finished = progress.finished if is_whole else round_down_count(progress.finished, progress.total)
    return Progress(finished=finished, total=progress.total)


def blur_runtime(runtime: float | None, budget: float) -> float | None:
    return None if runtime is None else round_up_share(runtime, budget)


def blur_number(value: float | None) -> float | None:
    return None if value is None else round_figure(value)


def _blur_interval(score: Interval | None) -> Interval | None:
    if score is None:
        return None
    ends = {"low": blur_number(score.low), "high": blur_number(score.high)}
    return Interval(estimate=round_figure(score.estimate), **ends)


def _blur_decision(decided: DecidedEarly | None) -> DecidedEarly | None:
    return None if decided is None else DecidedEarly(after=round_down_count(decided.after, decided.of), of=decided.of)


def _blur_rejudge(rejudged: Rejudged | None, sight: Sight) -> Rejudged | None:
    """What was told of the earlier attempt was told then; it is not told again in more digits."""
    if rejudged is None:
        return None
    verdict = tell_outcome(rejudged.previous_verdict, None, has_run=True, sight=sight).verdict
    return rejudged.model_copy(update={"previous_verdict": verdict, "previous_score": None})
