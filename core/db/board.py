"""Rows of the database as the entries of a board: the site shows them, the worker looks for a rival among them."""

from core.db.models.submissions import Evaluation
from core.domain.leaderboard import Entry, Purpose
from core.domain.submission import Verdict


def make_entry(evaluation: Evaluation) -> Entry:
    """One evaluation that ended, its submission, user and team loaded."""
    submission = evaluation.submission
    return Entry(
        submission_id=submission.id,
        name=submission.team.name if submission.team else submission.user.name,
        filename=submission.filename,
        purpose=Purpose(submission.purpose),
        verdict=Verdict(str(evaluation.verdict)),
        score=evaluation.score,
        low=evaluation.score_low,
        high=evaluation.score_high,
        relative_runtime=evaluation.relative_runtime,
        accepted_at=submission.created_at,
        error=evaluation.score_error,
        draws=tuple(evaluation.score_draws or ()),
        scored_replicas=evaluation.scored_replicas,
        replicas_total=evaluation.replicas_total,
    )
