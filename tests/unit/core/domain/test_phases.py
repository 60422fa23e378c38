from datetime import UTC, datetime, timedelta

from core.domain.leaderboard import Entry, Purpose
from core.domain.phases import Candidate, choose_finalists
from core.domain.submission import Verdict

START = datetime(2026, 1, 1, tzinfo=UTC)


def make_candidate(
    name: str, team: str = "ann", *, score: float = 0.5, runtime: float = 0.05, selected: int | None = None
) -> Candidate:
    entry = Entry(
        submission_id=name,
        name=team,
        filename=f"{name}.py",
        purpose=Purpose.RANKED,
        verdict=Verdict.SCORED,
        score=score,
        low=None,
        high=None,
        relative_runtime=runtime,
        accepted_at=START,
    )
    return Candidate(entry, None if selected is None else START + timedelta(minutes=selected))


def choose(candidates: list[Candidate], limit: int = 2) -> list[str]:
    return sorted(each.entry.submission_id for each in choose_finalists(candidates, limit))


def test_what_a_team_selected_stands_for_it_whatever_scored_better() -> None:
    candidates = [make_candidate("a", score=0.9), make_candidate("b", score=0.1, selected=1)]
    assert choose(candidates) == ["b"]


def test_the_best_stand_for_a_team_that_selected_nothing() -> None:
    candidates = [make_candidate("a", score=0.1), make_candidate("b", score=0.9), make_candidate("c", score=0.5)]
    assert choose(candidates) == ["b", "c"]


def test_of_equal_scores_the_cheaper_stands() -> None:
    assert choose([make_candidate("a", runtime=0.09), make_candidate("b", runtime=0.01)], limit=1) == ["b"]


def test_every_team_is_judged_by_itself() -> None:
    candidates = [make_candidate("a", "ann", score=0.9), make_candidate("b", "bob", score=0.1)]
    assert choose(candidates, limit=1) == ["a", "b"]


def test_of_more_than_may_be_selected_the_latest_choices_stand() -> None:
    assert choose([make_candidate(name, selected=place) for place, name in enumerate("abc")]) == ["b", "c"]


def test_nobody_gives_no_finalist() -> None:
    assert choose([]) == []
