import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from core.domain.leaderboard import (
    Entry,
    Place,
    Purpose,
    TieGroups,
    climb,
    find_tie_line,
    make_board,
    pick_lines,
    rank_lines,
)
from core.domain.submission import Verdict

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_entry(name: str, score: float | None = 0.5, *, half: float = 0.01, minute: int = 0, **values: Any) -> Entry:
    defaults: dict[str, Any] = {
        "submission_id": f"{name}-{score}-{minute}",
        "name": name,
        "filename": "submission.py",
        "purpose": Purpose.RANKED,
        "verdict": Verdict.SCORED,
        "score": score,
        "low": None if score is None else score - half,
        "high": None if score is None else score + half,
        "error": half / 2,
        "relative_runtime": 0.05,
        "accepted_at": NOON + timedelta(minutes=minute),
    }
    return Entry(**(defaults | values))


def names(entries: list[Entry]) -> list[str]:
    return [row.entry.name for row in make_board(entries)]


def test_higher_scores_come_first() -> None:
    assert names([make_entry("low", 0.1), make_entry("high", 0.9)]) == ["high", "low"]


def test_what_is_held_stands_last_without_a_rank_beside_what_its_team_has() -> None:
    entries = [
        make_entry("ann", 0.9, is_held=True),
        make_entry("ann", 0.4),
        make_entry("bob", 0.6, scored_replicas=64, replicas_total=256),
        make_entry("eve", 0.95, is_held=True),
        make_entry("eve", 0.8, is_held=True),
        make_entry("tom", verdict=Verdict.OVER_BUDGET, is_held=True),
    ]
    rows = [(row.entry.name, row.entry.score, row.place, row.rank) for row in make_board(entries)]
    assert rows == [
        ("ann", 0.4, Place.RANKED, 1),
        ("bob", 0.6, Place.RANKED, 2),
        ("eve", 0.95, Place.HELD, None),
        ("ann", 0.9, Place.HELD, None),
        ("tom", 0.5, Place.OVER_BUDGET, None),
    ]


def test_on_a_hidden_problem_what_is_held_neither_hides_nor_lifts_what_is_told() -> None:
    entries = [
        make_entry("ann", 0.9, is_held=True),
        make_entry("ann", 0.4, minute=1),
        make_entry("ann", 0.405, minute=2),
    ]
    told = [(line.place, line.entry.score) for line in pick_lines(entries, climbing=True)]
    assert told == [(Place.RANKED, 0.4), (Place.HELD, 0.9)]


def test_an_equal_score_is_ordered_by_runtime() -> None:
    entries = [make_entry("slow", relative_runtime=0.09), make_entry("fast", relative_runtime=0.01, minute=5)]
    assert names(entries) == ["fast", "slow"]


def test_an_equal_score_and_runtime_is_ordered_by_acceptance_so_latecomers_stay_below() -> None:
    assert names([make_entry("late", minute=9), make_entry("early", minute=1)]) == ["early", "late"]


def test_scores_are_compared_in_full_precision() -> None:
    assert names([make_entry("a", 0.5000001), make_entry("b", 0.5000002)]) == ["b", "a"]


def test_only_the_best_of_a_participant_is_shown() -> None:
    board = make_board([make_entry("ann", 0.3), make_entry("ann", 0.7, minute=1), make_entry("ann", 0.5, minute=2)])
    assert [row.entry.score for row in board] == [0.7]


def test_entries_that_cannot_be_told_apart_share_a_tie_group_and_keep_their_ranks() -> None:
    board = make_board([make_entry("a", 0.9), make_entry("b", 0.6, half=0.05), make_entry("c", 0.58, half=0.05)])
    assert [(row.rank, row.tie_group, row.tied_first, row.tied_last) for row in board] == [
        (1, 1, 1, 1),
        (2, 2, 2, 3),
        (3, 2, 2, 3),
    ]


def test_a_group_reaches_only_as_far_as_its_first_entry() -> None:
    chain = [make_entry("a", 0.60, half=0.04), make_entry("b", 0.56, half=0.04), make_entry("c", 0.52, half=0.04)]
    assert [row.tie_group for row in make_board(chain)] == [1, 1, 2]


def test_a_tie_ends_where_the_lead_reaches_the_line_of_the_whole_board() -> None:
    for others in (0, 1, 8):
        line = find_tie_line(2 + others)
        rest = [make_entry(f"c{place}", -9.0, error=0.0) for place in range(others)]
        for lead, groups in ((line - 0.01, [1, 1]), (line + 0.01, [1, 2])):  # standard errors of the difference
            pair = [make_entry("a", 0.5 + 0.05 * lead, error=0.03), make_entry("b", 0.5, error=0.04)]
            assert [row.tie_group for row in make_board(pair + rest)][:2] == groups


def test_the_line_grows_with_the_board_and_never_ends() -> None:
    lines = [find_tie_line(entries) for entries in (0, 1, 2, 3, 4, 7, 100, 5_000, 200_000)]
    assert lines[0] == lines[1] == lines[2]
    assert lines[2:] == sorted(set(lines))
    assert lines[2] == pytest.approx(t.isf(0.025, 31), abs=0.03)  # two entries: a two-sided test


@pytest.mark.parametrize(("entries", "boards"), [(2, 1500), (10, 600), (100, 150)])
@pytest.mark.parametrize("widest", [1.0, 4.0])
def test_equal_entries_are_parted_on_one_board_in_twenty(entries: int, boards: int, widest: float) -> None:
    rng = np.random.default_rng([entries, round(widest)])
    spread, parted = np.linspace(1.0, widest, entries), 0
    for _ in range(boards):
        scores, draws = spread * rng.normal(size=entries), spread * rng.normal(size=(32, entries))
        groups = TieGroups(entries)
        groups.walk(
            make_entry("", float(scores[at]), error=float(draws[:, at].std(ddof=1)), draws=tuple(draws[:, at].tolist()))
            for at in np.argsort(-scores)
        )
        parted += len(groups.starts) > 1
    assert parted / boards <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / boards)


def test_intervals_may_overlap_where_paired_draws_tell_two_entries_apart() -> None:
    shared = tuple(0.05 * (-1) ** place for place in range(32))
    error = 0.06
    upper = make_entry("a", 0.52, half=0.12, error=error, draws=tuple(0.52 + noise for noise in shared))
    lower = make_entry("b", 0.50, half=0.12, error=error, draws=tuple(0.50 + 0.99 * noise for noise in shared))
    assert [row.tie_group for row in make_board([upper, lower])] == [1, 2]


def test_a_row_says_how_likely_it_is_better_than_the_next_ranked_one() -> None:
    board = make_board(
        [
            make_entry("a", 0.55, error=0.03),
            make_entry("staff", 0.52, purpose=Purpose.REFERENCE),
            make_entry("b", 0.50, error=0.04),
        ]
    )
    assert [row.truly_better_than_next for row in board] == [pytest.approx(0.8045, abs=1e-4), None, None]
    assert [row.would_win_again for row in board] == [pytest.approx(0.6967, abs=1e-4), None, None]


def test_unknown_uncertainty_leaves_a_tie() -> None:
    board = make_board([make_entry("a", 0.9, error=None), make_entry("b", 0.1)])
    assert [(row.tie_group, row.truly_better_than_next) for row in board] == [(1, 0.5), (1, None)]


def test_an_entry_decided_early_ranks_after_every_full_score_and_is_compared_with_none_of_them() -> None:
    early = {"scored_replicas": 64, "replicas_total": 256}
    board = make_board(
        [
            make_entry("early", 0.8, **early),
            make_entry("full", 0.3, scored_replicas=256, replicas_total=256),
            make_entry("best", 0.5),
            make_entry("also early", 0.2, **early),
        ]
    )
    assert [(row.entry.name, row.rank, row.tie_group, row.truly_better_than_next) for row in board] == [
        ("best", 1, 1, pytest.approx(1.0, abs=1e-3)),
        ("full", 2, 2, None),
        ("early", 3, 3, pytest.approx(1.0, abs=1e-3)),
        ("also early", 4, 4, None),
    ]


def test_a_full_score_of_a_participant_goes_before_a_higher_early_one() -> None:
    early = make_entry("ann", 0.8, scored_replicas=64, replicas_total=256)
    assert [row.entry.score for row in make_board([early, make_entry("ann", 0.3, minute=1)])] == [0.3]


def test_a_reference_stands_in_position_without_a_rank() -> None:
    board = make_board(
        [
            make_entry("ann", 0.4),
            make_entry("staff", 0.9, purpose=Purpose.REFERENCE),
            make_entry("bob", 0.2),
        ]
    )
    assert [(row.entry.name, row.place, row.rank) for row in board] == [
        ("staff", Place.REFERENCE, None),
        ("ann", Place.RANKED, 1),
        ("bob", Place.RANKED, 2),
    ]


def test_references_of_one_account_are_told_apart_by_their_file() -> None:
    one = make_entry("staff", 0.9, purpose=Purpose.REFERENCE, filename="retrain.py")
    two = make_entry("staff", 0.1, purpose=Purpose.REFERENCE, filename="identity.py")
    again = make_entry("staff", 0.2, purpose=Purpose.REFERENCE, filename="identity.py", minute=3)
    assert [row.entry.score for row in make_board([one, again, two])] == [0.9, 0.2]


def test_over_budget_entries_come_last_without_a_rank_however_high_they_score() -> None:
    board = make_board([make_entry("greedy", 0.99, verdict=Verdict.OVER_BUDGET), make_entry("ann", 0.1)])
    assert [(row.entry.name, row.place, row.rank) for row in board] == [
        ("ann", Place.RANKED, 1),
        ("greedy", Place.OVER_BUDGET, None),
    ]


def test_an_entry_stopped_at_the_canary_stands_below_scored_ones() -> None:
    canary = make_entry("canary", None, verdict=Verdict.OVER_BUDGET)
    full = make_entry("full", 0.2, verdict=Verdict.OVER_BUDGET)
    assert names([canary, full]) == ["full", "canary"]


def test_failures_are_not_on_the_board() -> None:
    ended = [verdict for verdict in Verdict if verdict not in (Verdict.SCORED, Verdict.OVER_BUDGET)]
    assert make_board(make_entry(verdict, None, verdict=verdict) for verdict in ended) == []


def test_the_order_of_the_input_does_not_matter() -> None:
    entries = [make_entry(f"p{place}", 0.1 * place, minute=place) for place in range(6)]
    assert make_board(entries) == make_board(reversed(entries))


ENTRIES = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([0.005, 0.05, 0.2]), st.integers(0, 5)), min_size=1, max_size=40
)


def draw_entries(rows: list[tuple[int, float, int]]) -> list[Entry]:
    """Ranked entries, references among them, and some over the budget."""
    kinds: list[dict[str, Any]] = [{}] * 4 + [{"purpose": Purpose.REFERENCE}, {"verdict": Verdict.OVER_BUDGET}]
    return [
        make_entry(f"t{place}", score / 40, half=half, minute=place, **kinds[kind])
        for place, (score, half, kind) in enumerate(rows)
    ]


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.integers(0, 20), st.integers(1, 20), st.integers(1, 7))
def test_a_stretch_of_the_board_says_what_the_whole_says(
    rows: list[tuple[int, float, int]], offset: int, limit: int, stride: int
) -> None:
    entries = draw_entries(rows)
    whole, lines = make_board(entries), pick_lines(entries)
    ranked = [line.entry for line in lines if line.place is Place.RANKED]
    part = lines[offset : offset + limit]
    above = sum(line.place is Place.RANKED for line in lines[:offset])
    last = above + sum(line.place is Place.RANKED for line in part)
    groups = TieGroups(len(ranked))
    while groups.walked < len(ranked) and not groups.is_settled(last):
        groups.walk(ranked[groups.walked : groups.walked + stride])
    following = ranked[last] if last < len(ranked) else None
    assert rank_lines(part, groups, above=above, following=following) == whole[offset : offset + limit]


def test_a_walk_knows_when_a_group_has_ended() -> None:
    groups = TieGroups(4)
    groups.walk([make_entry("a", 0.9), make_entry("b", 0.6), make_entry("c", 0.6, minute=1)])
    assert [groups.is_settled(rank) for rank in (1, 2, 3)] == [True, False, False]
    groups.walk([make_entry("d", 0.1)])
    assert [groups.is_settled(rank) for rank in (2, 3, 4)] == [True, True, False]
    assert [groups.find(rank) for rank in (1, 2, 3, 4)] == [(1, 1, 1), (2, 2, 3), (2, 2, 3), (3, 4, 4)]


def test_a_score_is_told_where_it_is_above_the_best_told_one_by_more_than_its_noise() -> None:
    scores = (0.5, 0.54, 0.549, 0.56, 0.55, 0.7)
    entries = [make_entry("ann", score, half=0.05, minute=minute) for minute, score in enumerate(scores)]
    entries.append(make_entry("bob", 0.1, minute=9))
    told = {name: [each.score for each in steps] for name, steps in climb(reversed(entries)).items()}
    assert told == {"ann": [0.5, 0.56, 0.7], "bob": [0.1]}
    lines = pick_lines(entries[:5] + entries[6:], climbing=True)
    assert [(line.entry.name, line.entry.score) for line in lines] == [("ann", 0.56), ("bob", 0.1)]


def test_many_tries_within_noise_move_nothing() -> None:
    """Whoever tries one bit after the other at one score learns from none of them."""
    tries = [make_entry("ann", 0.5 + bit * 0.009, minute=minute) for minute, bit in enumerate([0, 1, 0, 1, 1, 0])]
    assert [each.score for each in climb(tries)["ann"]] == [0.5]


def test_scores_decided_early_are_told_while_there_is_no_full_one() -> None:
    early = make_entry("ann", 0.9, scored_replicas=8, replicas_total=256)
    assert [each.score for each in climb([early])["ann"]] == [0.9]
    assert [each.score for each in climb([early, make_entry("ann", 0.3, minute=1)])["ann"]] == [0.3]


def test_references_do_not_climb() -> None:
    assert climb([make_entry("staff", purpose=Purpose.REFERENCE), make_entry("ann", None)]) == {}
