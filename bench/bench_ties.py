"""Tie groups and probabilities of a board, simulated: the tables of docs/leaderboard.md, as Markdown.

python -m bench.bench_ties lines|groups|boards|calibration|speed [--entries 2 5] [--boards 4000] [--seed 0]

lines: the lead, in standard errors, that the luckiest of k equal entries passes on 5 % of the boards. groups: boards of
equal entries whose scores and draws are normal. boards: the same with real scores of the evaluator. calibration: what
is claimed about pairs, and what a second contest of the same two laws shows. speed: a walk down 100 and 10,000 entries.
"""

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from time import process_time

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from bench.bench_intervals import LAWS, Law, draw_pool, measure, move_all, print_row
from core.domain.comparison import Measured, compute_probability_better, compute_replication
from core.domain.leaderboard import Entry, Purpose, TieGroups, find_tie_line
from core.domain.submission import Verdict
from evaluator import ScoringSpec, score

Array = NDArray[np.float64]
DRAWS = 32
LEVEL = 0.05
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SPREADS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "equal": lambda rng, entries: np.ones(entries),
    "from 1 to 3": lambda rng, entries: np.linspace(1.0, 3.0, entries),
    "one in five 5 times as large": lambda rng, entries: np.where(np.arange(entries) % 5 == 0, 5.0, 1.0),
}
CLAIMS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995, 1.0)


def run_lines(args: argparse.Namespace) -> None:
    print_row(["entries", "line", "of two entries, comparisons", "boards"], head=True)
    for entries in args.entries:
        rng = np.random.default_rng([args.seed, entries])
        boards = max(1000, min(args.boards, 4_000_000 // entries))
        leads = [find_lead(rng.normal(size=entries), rng.normal(size=(DRAWS, entries))) for _ in range(boards)]
        line = float(np.quantile(leads, 1 - LEVEL))
        print_row([entries, f"{line:.2f}", f"{LEVEL / t.sf(line, DRAWS - 1):.0f}", boards])


def find_lead(scores: Array, draws: Array) -> float:
    """The largest lead of the first over any other, in standard errors of their paired draws."""
    first = int(scores.argmax())
    errors = np.delete((draws[:, [first]] - draws).std(axis=0, ddof=1), first)
    return float((np.delete(scores[first] - scores, first) / errors).max())


def run_groups(args: argparse.Namespace) -> None:
    """Wrong splits: of equal entries, and of two sets of equal entries, one far above the other."""
    print_row(["entries", "noise", "equal: more than one", "two levels: more than two"], head=True)
    for entries in args.entries:
        for name, spread in SPREADS.items():
            rng = np.random.default_rng([args.seed, entries])
            wrong = (
                np.mean([count_groups(rng, spread(rng, entries), levels) > levels for _ in range(args.boards)])
                for levels in (1, 2)
            )
            print_row([entries, name, *(f"{share:.3f}" for share in wrong)])


def count_groups(rng: np.random.Generator, spread: Array, levels: int) -> int:
    """Groups of a board whose first half stands 1,000 above the second if there are two levels."""
    true = 1000.0 * (np.arange(spread.size) < spread.size / levels) * (levels > 1)
    scores, draws = true + spread * rng.normal(size=spread.size), spread * rng.normal(size=(DRAWS, spread.size))
    errors = draws.std(axis=0, ddof=1)
    return walk([Measured(score, errors[at], tuple(draws[:, at])) for at, score in enumerate(scores)])


def walk(board: Sequence[Measured], *, line: float | None = None) -> int:
    """How many groups there are, by another line than the board's if one is given."""
    ranked = sorted(board, key=lambda each: -each.score)
    groups = TieGroups(len(ranked))
    groups.line = line or groups.line
    groups.walk(enter(each) for each in ranked)
    return len(groups.starts)


def enter(measured: Measured) -> Entry:
    return Entry(
        submission_id="",
        name="",
        filename="",
        purpose=Purpose.RANKED,
        verdict=Verdict.SCORED,
        score=measured.score,
        low=None,
        high=None,
        relative_runtime=None,
        accepted_at=NOON,
        error=measured.error,
        draws=measured.draws,
    )


def run_boards(args: argparse.Namespace) -> None:
    """Equal entries scored by the evaluator, shared noise, one retrained pool a board; and by the line of one pair."""
    print_row(["entries", "law", "R", "shared", "boards", "more than one group", "by the line of a pair"], head=True)
    of_pair = float(t.isf(LEVEL, DRAWS - 1))  # P(truly better) = 0.95
    for entries in args.entries:
        for name, shared in (("shifts 0 to 2", 0.3), ("shift 0.5", 0.6)):
            contests = [
                contest([LAWS[name]] * entries, args, shared, seed=[args.seed, entries, board])
                for board in range(args.boards)
            ]
            shares = (np.mean([walk(each, line=line) > 1 for each in contests]) for line in (None, of_pair))
            print_row([entries, name, args.replicas, shared, args.boards, *(f"{share:.3f}" for share in shares)])


def contest(laws: Sequence[Law], args: argparse.Namespace, shared: float, seed: Sequence[int]) -> list[Measured]:
    """Score every law once against one retrained pool."""
    rng, spec = np.random.default_rng(seed), ScoringSpec()
    shape, accuracy = (args.replicas, args.examples), (0.9, 0.005)
    retrained = draw_pool(LAWS["same"], shape, shared, accuracy, rng)
    cards = [
        score(draw_pool(law, shape, shared, accuracy, rng), retrained, spec=spec, protocols=(spec.protocol,))
        for law in laws
    ]
    return [measure(card, draws=True) for card in cards]


def run_calibration(args: argparse.Namespace) -> None:
    """Pairs of laws a little apart, each in two contests; claims of the first, what is true, what the second shows."""
    rows = []
    for pair in range(args.boards):
        apart = float(np.random.default_rng([args.seed, pair]).normal()) * args.apart
        laws = [move_all(0.0), move_all(apart)]
        first, second = (contest(laws, args, 0.3, seed=[args.seed, pair, turn]) for turn in (1, 2))
        high = int(first[1].score > first[0].score)
        claim = compute_probability_better(first[high], first[1 - high])
        rows.append(
            (claim, compute_replication(claim), (apart < 0) == (high == 1), second[high].score > second[1 - high].score)
        )
    print_row(["claimed", "pairs", "truly better", "true", "would win again", "won again"], head=True)
    for least, most in pairwise(CLAIMS):
        part = np.array([row for row in rows if least <= row[0] < most or row[0] == most == 1.0], dtype=float)
        if len(part):
            claimed, again, true, won = part.mean(axis=0)
            cells = (f"{value:.2f}" for value in (claimed, true, again, won))
            print_row([f"{least:g} to {most:g}", len(part), *cells])


def run_speed(args: argparse.Namespace) -> None:
    print_row(["entries", "line", "seconds"], head=True)
    rng = np.random.default_rng(args.seed)
    for entries in args.entries:
        board = [Measured(-place, 1.0, tuple(rng.normal(size=DRAWS))) for place in range(entries)]
        lines = [enter(each) for each in board]
        begun = process_time()
        TieGroups(entries).walk(lines)
        print_row([entries, f"{find_tie_line(entries):.2f}", f"{process_time() - begun:.3f}"])


TABLES = {
    "lines": run_lines,
    "groups": run_groups,
    "boards": run_boards,
    "calibration": run_calibration,
    "speed": run_speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--entries", type=int, nargs="+", default=[2, 3, 5, 10, 20, 50, 100])
    parser.add_argument("--boards", type=int, default=4000)
    parser.add_argument("--replicas", type=int, default=64)
    parser.add_argument("--examples", type=int, default=16)
    parser.add_argument("--apart", type=float, default=0.15, help="deviation of the shift between two laws")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    TABLES[args.table](args)


if __name__ == "__main__":
    main()
