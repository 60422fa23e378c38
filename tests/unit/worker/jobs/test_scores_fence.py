"""A scorer that lost its lease changes nothing: neither the score nor the count of its tries."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.db.base import utc_now
from core.db.models.submissions import Evaluation
from core.db.queries import evaluations
from core.db.queries.evaluations import MOST_SCORE_LOSSES
from core.db.session import reading, transaction
from core.domain.errors import BlobMissing, PlatformFault
from core.domain.submission import Status, Verdict
from tests.unit.worker.conftest import Platform, make_spec
from worker.jobs import scores
from worker.jobs.scores import DrawnScore, ScoreWork, score_evaluation


def run_to_scoring(platform: Platform) -> str:
    evaluation_id = platform.submit(platform.open_competition(make_spec()))
    while fetch(platform, evaluation_id).status != Status.SCORING:
        platform.step()
    return evaluation_id


def fetch(platform: Platform, evaluation_id: str) -> Evaluation:
    with reading(platform.engine) as session:
        found = evaluations.fetch_evaluation(session, evaluation_id)
    assert found is not None
    return found


def take_over(platform: Platform, evaluation_id: str) -> None:
    """Another scorer finds the lease run out."""
    later = utc_now() + timedelta(hours=1)
    with transaction(platform.engine) as session:
        assert evaluations.claim_scoring(session, evaluation_id, now=later, until=later + timedelta(hours=1))


@pytest.fixture
def slow(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | None], str]:
    """Score an evaluation so slowly that another takes it over meanwhile, and end with an error or a score."""
    real = scores._work

    def score(error: Exception | None) -> str:
        evaluation_id = run_to_scoring(platform)

        def work(context: object, work: ScoreWork) -> DrawnScore:
            take_over(platform, evaluation_id)
            if error is not None:
                raise error
            return real(platform.context, work)

        monkeypatch.setattr(scores, "_work", work)
        score_evaluation(platform.context, evaluation_id)
        monkeypatch.setattr(scores, "_work", real)
        return evaluation_id

    return score


@pytest.mark.parametrize(
    "error",
    [PlatformFault("no memory left"), BlobMissing("outputs are gone", digest="0" * 64), None],
    ids=["fault", "loss", "score"],
)
def test_what_comes_too_late_is_left_out(
    platform: Platform, slow: Callable[[Exception | None], str], error: Exception | None
) -> None:
    evaluation_id = slow(error)
    row = fetch(platform, evaluation_id)
    assert (row.status, row.score_attempts, row.score_fault) == (Status.SCORING, 0, "")
    assert row.scoring_until is not None
    assert row.scoring_until > utc_now() + timedelta(minutes=90)


def test_who_took_over_scores_it(platform: Platform, slow: Callable[[Exception | None], str]) -> None:
    evaluation_id = slow(PlatformFault("no memory left"))
    platform.run_without_pauses(evaluation_id)
    assert fetch(platform, evaluation_id).verdict == Verdict.SCORED


def test_a_score_that_loses_its_worker_each_time_ends(platform: Platform) -> None:
    evaluation_id = run_to_scoring(platform)
    later = utc_now()
    for loss in range(MOST_SCORE_LOSSES + 1):
        with transaction(platform.engine) as session:
            claimed = evaluations.claim_scoring(session, evaluation_id, now=later, until=later + timedelta(seconds=30))
        assert bool(claimed) == (loss < MOST_SCORE_LOSSES)
        later += timedelta(minutes=1)
    row = fetch(platform, evaluation_id)
    assert (row.verdict, row.reason) == (Verdict.PLATFORM_ERROR, "the platform lost 5 workers at its score")


def test_a_score_that_failed_and_waits_has_lost_no_worker(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation_id = run_to_scoring(platform)
    real = scores._work
    monkeypatch.setattr(scores, "_work", lambda *_: (_ for _ in ()).throw(PlatformFault("no memory left")))
    score_evaluation(platform.context, evaluation_id)
    monkeypatch.setattr(scores, "_work", real)
    platform.run_without_pauses(evaluation_id)
    row = fetch(platform, evaluation_id)
    assert (row.verdict, row.score_losses) == (Verdict.SCORED, 0)
