from datetime import UTC, datetime

import pytest

from core.domain.leaderboard import Entry, Purpose, make_board
from core.domain.rejudge import PastRun, compare_boards, estimate_cpu_seconds
from core.domain.submission import Verdict

AT = datetime(2026, 11, 21, tzinfo=UTC)


def make_entry(name: str, score: float | None, *, verdict: Verdict = Verdict.SCORED, half: float = 0.01) -> Entry:
    low, high = (None, None) if score is None else (score - half, score + half)
    return Entry(f"s-{name}", name, "a.py", Purpose.RANKED, verdict, score, low, high, 0.05, AT, error=half / 2)


@pytest.mark.parametrize(
    ("runs", "mean", "seconds"),
    [
        ([PastRun(Verdict.SCORED, 256, 512.0)], None, 512.0),
        ([PastRun(Verdict.SCORED, 64, 128.0)], None, 512.0),  # stopped early; again it runs to the end
        ([PastRun(Verdict.TIME_LIMIT, 8, 24.0)], None, 24.0),
        ([PastRun(Verdict.REJECTED, 0, 0.0)], None, 0.0),
        ([PastRun(Verdict.PLATFORM_ERROR, 3, 1.0)], 2.0, 512.0),
        ([PastRun(Verdict.PLATFORM_ERROR, 3, 1.0)], None, None),
        ([PastRun(Verdict.SCORED, 256, 512.0), PastRun(Verdict.TIME_LIMIT, 8, 24.0)], None, 536.0),
        ([], None, 0.0),
    ],
)
def test_the_cost_is_told_from_what_the_same_runs_took(
    runs: list[PastRun], mean: float | None, seconds: float | None
) -> None:
    assert estimate_cpu_seconds(runs, replicas=256, mean=mean) == seconds


def test_every_line_of_either_board_is_compared_once_what_leaves_comes_last() -> None:
    old = make_board([make_entry("ann", 0.6), make_entry("bob", 0.5), make_entry("eve", 0.4)])
    new = make_board([make_entry("bob", 0.7), make_entry("eve", 0.405), make_entry("new", 0.1)])
    moves = compare_boards(old, new)
    assert [(move.name, move.climbed, move.overlaps) for move in moves] == [
        ("bob", 1, False),
        ("eve", 1, True),
        ("new", None, None),
        ("ann", None, None),
    ]
    assert (moves[3].new, moves[2].old) == (None, None)


def test_what_goes_over_the_budget_loses_its_rank_and_stays_in_sight() -> None:
    old = make_board([make_entry("ann", 0.6)])
    new = make_board([make_entry("ann", 0.6, verdict=Verdict.OVER_BUDGET)])
    [move] = compare_boards(old, new)
    assert move.old is not None
    assert move.new is not None
    assert (move.old.rank, move.new.rank, move.new.verdict) == (1, None, Verdict.OVER_BUDGET)


def test_a_ranked_line_is_compared_before_one_over_the_budget() -> None:
    both = make_board([make_entry("ann", 0.9, verdict=Verdict.OVER_BUDGET), make_entry("ann", 0.6)])
    [move] = compare_boards(both, both)
    assert move.old is not None
    assert move.old.rank == 1
