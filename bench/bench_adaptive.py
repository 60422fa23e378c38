"""Simulations behind docs/adaptive.md. Prints Markdown; every table is one subcommand.

python -m bench.bench_adaptive walk|pairs|board [--replicas 256] [--shard 64] [--repeats 40]
python -m bench.bench_adaptive collect --stored FILE     run the baselines of a problem once and keep their outputs
python -m bench.bench_adaptive board --stored FILE       the board of those, replicas and arrivals shuffled each time
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from bench.bench_evaluator import print_row
from core.domain.pools import PoolKind
from core.problem_files import find_problem
from core.settings import Settings
from evaluator import ScoredPool, ScoringSpec, compute_confidence, score
from evaluator.sequential import Look, Standing, compute_boundary, compute_look, decide_place
from sandbox.contract import ENTRY_FILE
from worker.local import open_bench, run_orders
from worker.replicas.execution import make_orders
from worker.replicas.outputs import ModelOutputs, concat_outputs
from worker.runner.choose import choose_sandbox
from worker.training.pools import pool_sizes

Array = NDArray[np.float64]
SHIFTS = (0.25, 0.35, 0.45, 0.5, 0.55, 0.7, 0.9, 1.2)  # mean shift of each entry of a board
PAIRS = ((0.5, 0.5), (0.5, 0.45), (0.5, 0.4), (0.5, 0.3), (0.7, 0.4), (1.0, 0.4), (2.0, 0.4))
FIELDS = ["confidences", "retain_accuracy", "test_accuracy", "forget_accuracy"]


def cut(pool: ScoredPool, models: slice | NDArray[np.int64]) -> ScoredPool:
    return ScoredPool(*(np.asarray(getattr(pool, name))[models] for name in FIELDS))


def draw_pools(shifts: Sequence[float], rng: np.random.Generator, args: argparse.Namespace) -> list[ScoredPool]:
    """Gaussian pools, each shifted on every forget example by its own share; models share a factor."""
    hardness = rng.uniform(0, 2, size=args.examples)
    ones = np.ones(args.replicas)
    pools = []
    for shift in shifts:
        noise = math.sqrt(1 - args.shared) * rng.normal(size=(args.replicas, args.examples))
        noise += math.sqrt(args.shared) * rng.normal(size=(args.replicas, 1))
        pools.append(ScoredPool(noise + shift * hardness, ones, ones, ones))
    return pools


def list_stops(args: argparse.Namespace) -> list[int]:
    """Where shards end: the canary, then full shards, up to but without the last one."""
    stops = range(args.canary, args.replicas, args.shard)
    return [stop for stop in stops if stop >= args.min_replicas]


def run_walk(args: argparse.Namespace) -> None:
    """Error of rules between equal entries when differences are means of normal steps: cheap, so many repeats."""
    rng = np.random.default_rng(args.seed)
    stops = list_stops(args)
    rules: list[Rule] = [anytime, peeking, foreseeing]
    wrong = np.zeros(len(rules))
    for _ in range(args.repeats):
        means = rng.normal(size=args.replicas).cumsum() / np.arange(1, args.replicas + 1)
        freedom = args.resamples - 1  # the standard error is itself measured, from that many parts
        errors = [math.sqrt(rng.chisquare(freedom) / freedom / stop) for stop in stops]
        looks = [Look(stop, float(means[stop - 1]), error) for stop, error in zip(stops, errors, strict=True)]
        race = Race(tuple(looks), float(means[-1]))
        wrong += [rule(race, args)[0] is not Standing.open for rule in rules]
    print_row([f"{len(stops)} looks up to {args.replicas} replicas", "decided between equals"], head=True)
    for rule, count in zip(RULES, wrong, strict=True):
        print_row([rule, f"{count / args.repeats:.4f}"])


@dataclass(frozen=True)
class Race:
    """All looks at one pair, and the difference of the scores after all replicas."""

    looks: tuple[Look, ...]
    full: float


def run_race(entry: ScoredPool, rival: ScoredPool, bank: ScoredPool, args: argparse.Namespace) -> Race:
    spec = ScoringSpec(interval_resamples=args.resamples)
    looks = [compute_look(cut(entry, slice(r)), cut(rival, slice(r)), bank, spec=spec) for r in list_stops(args)]
    return Race(tuple(looks), compute_score(entry, bank) - compute_score(rival, bank))


Answer = tuple[Standing, int | None]
Rule = Callable[[Race, argparse.Namespace], Answer]


def anytime(race: Race, args: argparse.Namespace) -> Answer:
    return find_first(race, lambda look: find_boundary(look.replicas, args))


def peeking(race: Race, args: argparse.Namespace) -> Answer:
    """What the rule must not be: a fixed-size interval looked at again and again."""
    return find_first(race, lambda look: 1.96)


def foreseeing(race: Race, args: argparse.Namespace) -> Answer:
    """The same boundary for the sign after all replicas only: the known rest shrinks the error, and lengthens time."""

    def bound(look: Look) -> float:
        rest = 1 - look.replicas / args.replicas
        return math.sqrt(rest) * find_boundary(round(look.replicas / rest), args)

    return find_first(race, bound)


def find_first(race: Race, bound: Callable[[Look], float]) -> Answer:
    for look in race.looks:
        if abs(look.difference) > bound(look) * look.standard_error:
            return (Standing.ahead if look.difference > 0 else Standing.behind), look.replicas
    return Standing.open, None


def find_boundary(replicas: int, args: argparse.Namespace) -> float:
    return compute_boundary(replicas, alpha=args.alpha, tuned_replicas=args.min_replicas)


RULES: dict[str, Rule] = {"anytime": anytime, "peeking at 1.96": peeking, "order after all replicas": foreseeing}


def run_pairs(args: argparse.Namespace) -> None:
    """Decisions about pairs of entries at several distances, and how they agree with the order after all replicas."""
    columns = ["behind", "ahead", "replicas saved", "against the full order"]
    print_row(["entry, rival", "score difference (sd)", "mean error, first look", "rule", *columns], head=True)
    for pair in [tuple(args.pair)] if args.pair else PAIRS:
        races = []
        for repeat in range(args.repeats):
            rng = np.random.default_rng([args.seed, repeat])
            bank, entry, rival = draw_pools((0.0, *pair), rng, args)
            races.append(run_race(entry, rival, bank, args))
        full = [race.full for race in races]
        error = np.mean([race.looks[0].standard_error for race in races])
        head = [f"{pair[0]}, {pair[1]}", f"{np.mean(full):+.3f} ({np.std(full):.3f})", f"{error:.3f}"]
        for name, rule in RULES.items():
            print_row([*head, name, *summarise(races, rule, args)])


def summarise(races: Sequence[Race], rule: Rule, args: argparse.Namespace) -> list[str]:
    rows = []
    for race in races:
        standing, stop = rule(race, args)
        behind, ahead = standing is Standing.behind, standing is Standing.ahead
        saved = 1 - stop / args.replicas if behind and stop else 0.0  # only an entry that is behind is stopped
        rows.append([behind, ahead, saved, (behind and race.full > 0) or (ahead and race.full < 0)])
    return [f"{mean:.2f}" for mean in np.mean(rows, axis=0)]


@dataclass
class Line:
    """One entry of a simulated board: its score with all replicas, where it was stopped, and the score it shows."""

    pool: ScoredPool
    full: float
    stop: int | None = None
    shown: float = 0.0


def run_board(args: argparse.Namespace) -> None:
    """Entries arrive in random order; each is stopped once it is behind the place that counts, or runs to the end."""
    columns = ["stopped", "replicas saved", "of the first, stopped", "Kendall tau", "least tau", "tau of bare scores"]
    print_row(["rival place", *columns], head=True)
    for place in args.places:
        rows = []
        for repeat in range(args.repeats):
            rng = np.random.default_rng([args.seed, repeat])
            if args.stored:
                bank, *pools = load_pools(args.stored, rng)
            else:
                bank, *pools = draw_pools((0.0, *SHIFTS), rng, args)
            board = fill_board(bank, [pools[i] for i in rng.permutation(len(pools))], place, args)
            rows.append(judge_board(board, place, args))
        stopped, saved, lost, tau, bare = np.mean(rows, axis=0)
        least = np.min(rows, axis=0)[3]
        print_row([place, *(f"{value:.2f}" for value in (stopped, saved, lost, tau, least, bare))])


def fill_board(bank: ScoredPool, pools: Sequence[ScoredPool], place: int, args: argparse.Namespace) -> list[Line]:
    board: list[Line] = []
    for pool in pools:
        line = Line(pool, compute_score(pool, bank))
        rivals = sorted((other for other in board if other.stop is None), key=lambda other: -other.full)
        if len(rivals) >= place:
            line.stop = find_stop(pool, rivals[place - 1].pool, bank, args)
        line.shown = line.full if line.stop is None else compute_score(cut(pool, slice(line.stop)), bank)
        board.append(line)
    return board


def find_stop(entry: ScoredPool, rival: ScoredPool, bank: ScoredPool, args: argparse.Namespace) -> int | None:
    """As the worker does it: a look after each shard, by itself."""
    spec = ScoringSpec(interval_resamples=args.resamples)
    for stop in list_stops(args):
        look = compute_look(cut(entry, slice(stop)), cut(rival, slice(stop)), bank, spec=spec)
        if decide_place([look], alpha=args.alpha, min_replicas=args.min_replicas).standing is Standing.behind:
            return stop
    return None


def compute_score(pool: ScoredPool, bank: ScoredPool) -> float:
    spec = ScoringSpec(interval_resamples=2)
    return score(pool, bank, spec=spec, protocols=(spec.protocol,)).score


def judge_board(board: Sequence[Line], place: int, args: argparse.Namespace) -> list[float]:
    truth = [-line.full for line in board]
    first = sorted(truth)[:place]
    stopped = [line for line in board if line.stop is not None]
    saved = sum(args.replicas - line.stop for line in stopped if line.stop is not None)
    shown = [(line.stop is not None, -line.shown) for line in board]  # stopped entries come after all others
    order = [sorted(shown).index(key) for key in shown]
    return [
        len(stopped) / len(board),
        saved / (len(board) * args.replicas),
        sum(-line.full in first for line in stopped) / place,
        float(kendalltau(order, truth).statistic),
        float(kendalltau([-line.shown for line in board], truth).statistic),
    ]


def run_collect(args: argparse.Namespace) -> None:
    """Run every baseline but retraining in the sandbox, and keep its confidences beside the retrained bank's."""
    settings = Settings()
    spec = find_problem(args.problem)
    bench = open_bench(spec, settings, choose_sandbox(settings), pool_sizes(spec))
    labels = bench.problem.splits.forget.y
    arrays = pack("bank", bench.pools[PoolKind.RETRAINED].outputs, labels)
    for path in sorted(Path("baselines").glob("*.py")):
        if path.stem in ("__init__", "retrain"):
            continue
        orders = make_orders(path.stem, first=0, count=args.replicas, originals=spec.pools.originals)
        batch = run_orders(bench, {ENTRY_FILE: path.read_bytes()}, orders)
        outputs = concat_outputs([replica.outputs for replica in batch.replicas if replica.outputs is not None])
        arrays |= pack(path.stem, outputs, labels)
        bank, entry = (unpack(name, arrays) for name in ("bank", path.stem))
        print(f"{path.stem}: {len(outputs)} replicas, score {compute_score(entry, bank):.3f}", flush=True)
    np.savez(args.stored, allow_pickle=False, **arrays)


def pack(name: str, outputs: ModelOutputs, labels: NDArray[np.int64]) -> dict[str, Array]:
    accuracies = {field: getattr(outputs, field) for field in FIELDS[1:]}
    values = {"confidences": compute_confidence(outputs.forget_logits, labels), **accuracies}
    return {f"{name}/{field}": np.asarray(value, dtype=np.float64) for field, value in values.items()}


def unpack(name: str, arrays: dict[str, Array]) -> ScoredPool:
    return ScoredPool(*(arrays[f"{name}/{field}"] for field in FIELDS))


def load_pools(path: Path, rng: np.random.Generator) -> list[ScoredPool]:
    """The bank, then every entry with its replicas in another order, so that each repeat sees other prefixes."""
    with np.load(path) as kept:
        arrays = dict(kept)
    names = sorted({name.split("/")[0] for name in arrays} - {"bank"})
    pools = [unpack(name, arrays) for name in names]
    return [unpack("bank", arrays), *(cut(pool, rng.permutation(len(np.asarray(pool.confidences)))) for pool in pools)]


TABLES = {"walk": run_walk, "pairs": run_pairs, "board": run_board, "collect": run_collect}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--replicas", type=int, default=256)
    parser.add_argument("--canary", type=int, default=8)
    parser.add_argument("--shard", type=int, default=64)
    parser.add_argument("--min-replicas", type=int, default=64)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--shared", type=float, default=0.1)
    parser.add_argument("--resamples", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--places", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--pair", type=float, nargs=2, help="shifts of entry and rival; several by default")
    parser.add_argument("--problem", default="digits")
    parser.add_argument("--stored", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    TABLES[args.table](args)


if __name__ == "__main__":
    main()
