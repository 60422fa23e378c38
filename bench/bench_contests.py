"""The noise of a contest over replicas, originals and requests: the tables of docs/metric.md §14, as Markdown.

python -m bench.bench_contests coverage|told|digits|repeated|agreement [--originals 4] [--requests 3] [--replicas 64]

coverage: of the interval, where each source varies. told: how often a board tells equal entries apart. digits: real
models of the practice problem, every entry on every original and request; scores are kept in FILE. repeated: those
cells as contests of one to six originals, and how often two of them agree. agreement: how often two contests would name
the same winner, by the variances in FILE.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import kendalltau

from baselines import finetune, kookmin, vision_confusion
from bench.bench_evaluator import print_row
from core.domain.leaderboard import find_tie_line
from core.domain.pools import PoolKind
from core.problem_files import find_problem
from evaluator import MetricVersion, ScoredPool, ScoringSpec, compute_confidence, score
from evaluator.averaging import average_draws
from evaluator.contests import ContestNoise, compute_agreement, estimate_contest_noise
from evaluator.inference import load_weights
from sandbox.loaders import make_loader
from worker.problems import LoadedProblem, load_network, load_problem
from worker.replicas.measurement import measure_network
from worker.replicas.outputs import ModelOutputs, concat_outputs
from worker.training.chunks import pool_chunks, train_chunk

Array = NDArray[np.float64]
ENTRIES: dict[str, Callable[..., Any]] = {
    "finetune": finetune.unlearning,
    "kookmin": kookmin.unlearning,
    "vision_confusion": vision_confusion.unlearning,
}
NOISES = {  # variances of one score: replicas, originals, requests, both
    "replicas alone": (1.0, 0.0, 0.0, 0.0),
    "originals as much": (1.0, 1.0, 0.0, 0.0),
    "requests as much": (1.0, 0.0, 1.0, 0.0),
    "all as much": (1.0, 1.0, 1.0, 1.0),
    "originals, hardly replicas": (0.01, 1.0, 0.0, 0.0),
    "both together": (0.1, 0.0, 0.0, 1.0),
}
DESIGNS = ((4, 1), (8, 1), (1, 4), (2, 2), (2, 5), (5, 2), (3, 3), (5, 3), (5, 5), (8, 4))
COMPARED = ((1, 4), (2, 1), (4, 1), (8, 1), (2, 2), (4, 2), (4, 4), (8, 4))
PLANS = ((1, 1), (2, 1), (3, 1), (5, 1), (1, 3), (2, 2), (3, 3), (5, 3), (5, 5))


def run_coverage(args: argparse.Namespace) -> None:
    print_row(["originals × requests", *NOISES], head=True)
    for originals, requests in DESIGNS:
        rng = np.random.default_rng([args.seed, originals, requests])
        cells = []
        for replicas, *shared in NOISES.values():
            covered = 0
            for _ in range(args.repeats):
                answer = average_draws(*draw_contest(rng, (originals, requests), replicas, shared)).interval
                covered += answer.low <= 0 <= answer.high
            cells.append(f"{covered / args.repeats:.3f}")
        print_row([f"{originals} × {requests}", *cells])


def run_told(args: argparse.Namespace) -> None:
    """How often two equal entries of one contest are told apart; the noises are of the difference of their scores."""
    print_row(["originals × requests", *NOISES], head=True)
    for size in COMPARED:
        rng = np.random.default_rng([args.seed, *size])
        cells = []
        for replicas, *shared in NOISES.values():
            found = (average_draws(*draw_contest(rng, size, replicas, shared)) for _ in range(args.repeats))
            told = [abs(each.score) > find_tie_line(2) * np.std(each.draws, ddof=1) for each in found]
            cells.append(f"{np.mean(told):.3f}")
        print_row([f"{size[0]} × {size[1]}", *cells])


def draw_contest(
    rng: np.random.Generator, size: tuple[int, int], replicas: float, shared: list[float]
) -> tuple[Array, Array, Array]:
    """Scores, errors and draws of a contest whose true mean is 0; half of the replicas' noise is of a request's bank.

    What there is one of does not vary: the interval is about that one.
    """
    originals, requests = size
    sources = ((originals > 1, (originals, 1)), (requests > 1, (1, requests)), (min(size) > 1, size))
    true = sum(
        math.sqrt(each) * varies * rng.normal(size=of) for each, (varies, of) in zip(shared, sources, strict=True)
    )
    own = math.sqrt(replicas / 2)
    scores = true + own * rng.normal(size=size) + own * rng.normal(size=(1, requests))
    draws = own * rng.normal(size=(*size, 32)) + own * rng.normal(size=(1, requests, 32))
    return scores, draws.std(axis=2, ddof=1), draws


def run_digits(args: argparse.Namespace) -> None:
    """Score every entry on every original and request, a request at a time; a second run goes on where one ended."""
    torch.set_num_threads(1)
    shape, spec = (len(ENTRIES), args.originals, args.requests), ScoringSpec(metric=args.metric)
    kept = {"scores": np.full(shape, np.nan), "errors": np.full(shape, np.nan), "draws": np.full((*shape, 32), np.nan)}
    if args.file.exists():
        with np.load(args.file) as file:
            kept = {name: file[name] for name in kept}
    for request in np.flatnonzero(np.isnan(kept["scores"]).any(axis=(0, 1))).tolist():
        problem = load_request(args.problem, args.requests, request)
        bank = give(train(problem, PoolKind.RETRAINED, args.bank)[0], problem)
        originals = train(problem, PoolKind.ORIGINAL, args.originals)[1]
        for (at, entry), original in product(enumerate(ENTRIES.values()), range(args.originals)):
            outputs = run_entry(problem, entry, originals[original], args.replicas, seed=[at, original, request])
            card = score(give(outputs, problem), bank, spec=spec, protocols=())
            kept["scores"][at, original, request] = card.score
            kept["errors"][at, original, request] = card.interval.standard_error
            kept["draws"][at, original, request] = card.interval.draws
        np.savez(args.file, scores=kept["scores"], errors=kept["errors"], draws=kept["draws"])
    print_row(["entry", "mean", "lowest", "highest", "interval", "shares of the variance of the mean"], head=True)
    for name, table, known, drawn in zip(ENTRIES, kept["scores"], kept["errors"], kept["draws"], strict=True):
        found = average_draws(table, known, drawn).interval
        shares = ", ".join(f"{source} {share:.2f}" for source, share in found.shares.items())
        ends = f"{found.low:.3f} to {found.high:.3f}"
        print_row([name, f"{found.estimate:.3f}", f"{table.min():.3f}", f"{table.max():.3f}", ends, shares])


def run_repeated(args: argparse.Namespace) -> None:
    """The measured cells cut into contests of some originals on one request, no original in two; every two compared."""
    with np.load(args.file) as kept:
        scores = kept["scores"]
    entries, originals, requests = scores.shape
    print_row(["originals × requests", "contests", "pairs", "same winner", "mean Kendall tau"], head=True)
    for size in (1, 2, 3, 4, 6):
        cut = scores[:, : originals - originals % size].reshape(entries, -1, size, requests).mean(axis=2)
        contests = cut.reshape(entries, -1).T
        pairs = list(combinations(contests, 2))
        if not pairs:
            continue
        same = np.mean([one.argmax() == other.argmax() for one, other in pairs])
        order = np.mean([kendalltau(one, other).statistic for one, other in pairs])
        print_row([f"{size} × 1", len(contests), len(pairs), f"{same:.2f}", f"{order:.2f}"])


def load_request(slug: str, requests: int, request: int) -> LoadedProblem:
    """One of several requests that are drawn apart, on the same originals."""
    spec = find_problem(slug)
    further = [spec.forget.model_copy(update={"seed": spec.forget.seed + place}) for place in range(1, requests)]
    return load_problem(spec.model_copy(update={"further": tuple(further)}), request=request)


def train(problem: LoadedProblem, kind: PoolKind, size: int) -> tuple[ModelOutputs, list[bytes]]:
    trained = [train_chunk(problem, chunk) for chunk in pool_chunks(problem, kind, size)]
    return concat_outputs([each.outputs for each in trained]), [blob for each in trained for blob in each.weights]


def run_entry(
    problem: LoadedProblem, entry: Callable[..., Any], original: bytes, replicas: int, *, seed: list[int]
) -> ModelOutputs:
    splits, found = problem.splits, []
    for replica in range(replicas):
        torch.manual_seed(int(np.random.default_rng([*seed, replica]).integers(2**31)))
        net = load_network(problem)
        load_weights(net, original)
        loaders = [
            make_loader(
                torch.from_numpy(part.x), torch.from_numpy(part.y), mapping=False, batch_size=64, shuffle=shuffle
            )
            for part, shuffle in ((splits.retain, True), (splits.forget, True), (splits.validation, False))
        ]
        found.append(measure_network(entry(net, *loaders).eval(), problem))
    return concat_outputs(found)


def run_agreement(args: argparse.Namespace) -> None:
    """Two contests that draw originals, requests and replicas anew, by how far two entries are apart."""
    noise, means = load_noise(args.file)
    parts = ", ".join(f"{name} {math.sqrt(value or 0):.4f}" for name, value in asdict(noise).items())
    print(f"Standard deviation of a difference of two entries, {args.replicas} replicas, one of each: {parts}.\n")
    columns = ["originals × requests", "replicas each", "runs of an entry", "retrained models"]
    print_row([*columns, *(f"{gap:g} apart" for gap in args.gaps), "same winner of the measured"], head=True)
    for (originals, requests), times in product(PLANS, (1, 2, 4)):
        size = {"originals": originals, "requests": requests, "replicas": times}
        chances = [compute_agreement(gap, noise, **size) for gap in args.gaps]
        count = times * args.replicas
        cells = [f"{originals} × {requests}", count, count * originals * requests, count * requests]
        winner = repeat_contests(noise, means, times, (originals, requests), np.random.default_rng(args.seed))
        print_row([*cells, *(f"{chance:.2f}" for chance in (*chances, winner))])


def repeat_contests(
    noise: ContestNoise, means: Array, times: int, size: tuple[int, int], rng: np.random.Generator
) -> float:
    """How often two contests of the measured entries name one winner; an entry has half of a difference's variance."""
    scaled = replace(noise, replicas=noise.replicas / math.sqrt(times))
    spread = math.sqrt(sum(scaled.share_out(*size).values()) / 2)
    winners = (means + spread * rng.normal(size=(2, 20_000, means.size))).argmax(axis=2)
    return float((winners[0] == winners[1]).mean())


def load_noise(file: Path) -> tuple[ContestNoise, Array]:
    """Variances of the difference of two entries, the mean over all pairs, and the entries' means."""
    with np.load(file) as kept:
        scores, errors, draws = kept["scores"], kept["errors"], kept["draws"]
    found = []
    for one, other in combinations(range(len(scores)), 2):
        scale = errors[one] / draws[one].std(axis=-1, ddof=1)
        paired = scale * (draws[one] - draws[other]).std(axis=-1, ddof=1)
        found.append(asdict(estimate_contest_noise(scores[one] - scores[other], paired)))
    parts = {name: float(np.mean([each[name] or 0.0 for each in found])) for name in found[0]}
    return ContestNoise(**parts), scores.mean(axis=(1, 2))


def give(outputs: ModelOutputs, problem: LoadedProblem) -> ScoredPool:
    return ScoredPool(
        confidences=compute_confidence(outputs.forget_logits, problem.splits.forget.y),
        retain_accuracy=outputs.retain_accuracy,
        test_accuracy=outputs.test_accuracy,
        forget_accuracy=outputs.forget_accuracy,
        test_confidences=outputs.test_confidence,
        retain_confidences=outputs.retain_confidence,
    )


TABLES = {
    "coverage": run_coverage,
    "told": run_told,
    "digits": run_digits,
    "repeated": run_repeated,
    "agreement": run_agreement,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--problem", default="digits")
    parser.add_argument("--originals", type=int, default=4)
    parser.add_argument("--requests", type=int, default=3)
    parser.add_argument("--replicas", type=int, default=64)
    parser.add_argument("--bank", type=int, default=128, help="retrained models of a request")
    parser.add_argument("--metric", type=MetricVersion, default=MetricVersion.lacuna_3)
    parser.add_argument("--gaps", type=float, nargs="+", default=[0.02, 0.05, 0.1])
    parser.add_argument("--file", type=Path, default=Path("contest-scores.npz"))
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    TABLES[args.table](args)


if __name__ == "__main__":
    main()
